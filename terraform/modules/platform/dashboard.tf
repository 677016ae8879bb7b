# One page for all clients; its filter picks one.
locals {
  own      = { for name, metric in google_logging_metric.this : name => "metric.type=\"logging.googleapis.com/user/${metric.name}\" AND resource.type=\"cloud_run_revision\"" }
  by_hour  = { alignmentPeriod = "3600s", perSeriesAligner = "ALIGN_DELTA", crossSeriesReducer = "REDUCE_SUM" }
  by_5_min = { alignmentPeriod = "300s", perSeriesAligner = "ALIGN_DELTA", crossSeriesReducer = "REDUCE_SUM" }
  charts = [
    {
      title  = "Near the gate: how the newest run stands"
      filter = local.own.guarded-minutes
      how    = merge(local.by_5_min, { groupByFields = ["metric.label.client", "metric.label.state"] })
    },
    {
      title  = "Alerts told"
      filter = local.own.alerts
      how    = merge(local.by_5_min, { groupByFields = ["metric.label.client", "metric.label.code", "metric.label.state"] })
    },
    {
      title  = "Cut-offs reached before the run had ended"
      filter = local.own.cut-offs
      how    = merge(local.by_hour, { groupByFields = ["metric.label.client", "metric.label.cut_off"] })
    },
    {
      title  = "Partial bids, by what they rest on"
      filter = local.own.partial-bids
      how    = merge(local.by_hour, { groupByFields = ["metric.label.client", "metric.label.state"] })
    },
    {
      title  = "Coverage of partial bids: the lowest twentieth"
      filter = local.own.coverage
      how    = { alignmentPeriod = "3600s", perSeriesAligner = "ALIGN_DELTA", crossSeriesReducer = "REDUCE_PERCENTILE_05", groupByFields = ["metric.label.client"] }
    },
    {
      title  = "Scenarios solved, by how they ended"
      filter = local.own.scenarios
      how    = merge(local.by_hour, { groupByFields = ["metric.label.client", "metric.label.termination"] })
    },
    {
      title  = "Given up by workflows"
      filter = replace(local.own.given-up, "cloud_run_revision", "workflows.googleapis.com/Workflow")
      how    = merge(local.by_hour, { groupByFields = ["metric.label.client", "metric.label.asset", "metric.label.what"] })
    },
    {
      title  = "Errors"
      filter = local.own.errors
      how    = merge(local.by_hour, { groupByFields = ["metric.label.client", "metric.label.function", "metric.label.code"] })
    },
    {
      title  = "Time of a call, 95th percentile"
      filter = "metric.type=\"run.googleapis.com/request_latencies\" AND resource.type=\"cloud_run_revision\""
      how    = { alignmentPeriod = "300s", perSeriesAligner = "ALIGN_DELTA", crossSeriesReducer = "REDUCE_PERCENTILE_95", groupByFields = ["resource.label.service_name"] }
    },
    {
      title  = "Instances"
      filter = "metric.type=\"run.googleapis.com/container/instance_count\" AND resource.type=\"cloud_run_revision\""
      how    = { alignmentPeriod = "60s", perSeriesAligner = "ALIGN_MAX", crossSeriesReducer = "REDUCE_SUM", groupByFields = ["resource.label.service_name"] }
    },
    {
      title  = "Executions of workflows, by their end"
      filter = "metric.type=\"workflows.googleapis.com/finished_execution_count\" AND resource.type=\"workflows.googleapis.com/Workflow\""
      how    = merge(local.by_hour, { groupByFields = ["resource.label.workflow_id", "metric.label.status"] })
    },
    {
      title  = "Dead letters that wait"
      filter = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\" AND resource.label.subscription_id=ends_with(\"-dead-letters-kept\")"
      how    = { alignmentPeriod = "60s", perSeriesAligner = "ALIGN_MAX", crossSeriesReducer = "REDUCE_SUM", groupByFields = ["resource.label.subscription_id"] }
    },
  ]
  tile = { width = 24, height = 16 }
}

resource "google_monitoring_dashboard" "this" {
  project = var.project
  dashboard_json = jsonencode({
    displayName = "hydrobid"
    dashboardFilters = [
      { labelKey = "client", filterType = "METRIC_LABEL", valueType = "STRING" },
    ]
    mosaicLayout = {
      columns = 2 * local.tile.width
      tiles = concat(
        [
          for at, chart in local.charts : {
            xPos   = at % 2 * local.tile.width
            yPos   = floor(at / 2) * local.tile.height
            width  = local.tile.width
            height = local.tile.height
            widget = {
              title = chart.title
              xyChart = {
                dataSets = [{
                  plotType        = startswith(chart.how.crossSeriesReducer, "REDUCE_PERCENTILE") ? "LINE" : "STACKED_BAR"
                  timeSeriesQuery = { timeSeriesFilter = { filter = chart.filter, aggregation = chart.how } }
                }]
              }
            }
          }
        ],
        [{
          xPos   = 0
          yPos   = ceil(length(local.charts) / 2) * local.tile.height
          width  = 2 * local.tile.width
          height = local.tile.height
          widget = {
            title     = "Alerts"
            logsPanel = { filter = local.metrics.alerts.filter, resourceNames = ["projects/${var.project}"] }
          }
        }],
      )
    }
  })
}
