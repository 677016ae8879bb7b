# What the functions and workflows write, counted. Fields and labels are those of the library's own
# lines (adapters/structured_logs.py); a test holds each filter and extractor against such lines.
locals {
  of_functions = "resource.type=\"cloud_run_revision\""
  # Of the service that writes, CLIENT-FUNCTION: a line about a request that names no client has it as well.
  client       = "REGEXP_EXTRACT(resource.labels.service_name, \"^(.+)-[a-z]+$\")"
  of_workflows = "resource.type=\"workflows.googleapis.com/Workflow\""
  metrics = {
    alerts = {
      description = "Versions of alerts that were told, by code."
      filter      = "${local.of_functions} AND jsonPayload.alert_state:*"
      labels = {
        client   = local.client
        code     = "jsonPayload.code"
        severity = "jsonPayload.alert_severity"
        state    = "jsonPayload.alert_state"
      }
    }
    guarded-minutes = {
      description = "Minutes near a gate, by how the day's newest run stood then."
      filter      = "${local.of_functions} AND jsonPayload.function=\"submission\" AND jsonPayload.guarded:*"
      labels      = { client = local.client, state = "jsonPayload.state" }
    }
    cut-offs = {
      description = "Cut-offs that a run reached before it had ended."
      filter      = "${local.of_functions} AND jsonPayload.function=\"submission\" AND jsonPayload.cut_off:*"
      labels      = { client = local.client, cut_off = "jsonPayload.cut_off" }
    }
    partial-bids = {
      description = "Partial bids that the aggregator made, by what they rest on."
      filter      = "${local.of_functions} AND jsonPayload.function=\"aggregator\" AND jsonPayload.probability:*"
      labels      = { client = local.client, asset = "labels.asset", state = "jsonPayload.state" }
    }
    coverage = {
      description = "Probability of the scenarios that a partial bid rests on."
      filter      = "${local.of_functions} AND jsonPayload.function=\"aggregator\" AND jsonPayload.probability:*"
      labels      = { client = local.client }
      value       = "jsonPayload.probability"
    }
    scenarios = {
      description = "Scenarios that a solver ended with, by how."
      filter      = "${local.of_functions} AND jsonPayload.function=\"solver\" AND jsonPayload.termination:*"
      labels      = { client = local.client, termination = "jsonPayload.termination" }
    }
    errors = {
      description = "Errors that no repetition mends, and crashes, which have no code."
      filter      = "${local.of_functions} AND severity=\"ERROR\" AND jsonPayload.function:*"
      labels      = { client = local.client, function = "jsonPayload.function", code = "jsonPayload.code" }
    }
    given-up = {
      description = "What a workflow gave up and went on without: tasks, assets that it could not start."
      filter      = "${local.of_workflows} AND severity=\"ERROR\" AND jsonPayload.message:* AND jsonPayload.client:*"
      labels      = { client = "jsonPayload.client", asset = "jsonPayload.asset", what = "jsonPayload.message" }
    }
  }
}

resource "google_logging_metric" "this" {
  for_each        = local.metrics
  project         = var.project
  name            = "hydrobid/${each.key}"
  description     = each.value.description
  filter          = each.value.filter
  value_extractor = try("EXTRACT(${each.value.value})", null)
  label_extractors = {
    for label, field in each.value.labels : label => field == local.client ? field : "EXTRACT(${field})"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = can(each.value.value) ? "DISTRIBUTION" : "INT64"
    unit        = "1"
    dynamic "labels" {
      for_each = each.value.labels
      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }

  # A probability, in twentieths.
  dynamic "bucket_options" {
    for_each = can(each.value.value) ? [20] : []
    content {
      linear_buckets {
        num_finite_buckets = bucket_options.value
        width              = 1 / bucket_options.value
        offset             = 0
      }
    }
  }
  depends_on = [google_project_service.this]
}
