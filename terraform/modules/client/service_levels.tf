# What the client may expect, and how much of what may go wrong is used up. Budgets are counted in
# minutes that the guard watches and in partial bids: a day has ten to fifteen of the former.
locals {
  of_client = "resource.type=\"cloud_run_revision\" AND metric.labels.client=\"${var.name}\""
  own       = { for name, type in var.platform.metrics : name => "metric.type=\"${type}\" AND ${local.of_client}" }
  service_levels = {
    stands = {
      display_name = "Near the gate, the day's orders stand as the desk wants them"
      goal         = 0.99
      total        = local.own.guarded-minutes
      good         = "metric.labels.state=one_of(\"submitted\",\"withheld\")"
    }
    coverage = {
      display_name = "Partial bids rest on every planned scenario"
      goal         = 0.95
      total        = local.own.partial-bids
      good         = "metric.labels.state=\"COMPLETE\""
    }
  }
  # Over a day: how many times faster than the 28 days allow the budget may be used.
  fastest_burn = 10
}

resource "google_monitoring_custom_service" "this" {
  project      = var.project.id
  service_id   = "hydrobid-${var.name}"
  display_name = "hydrobid ${var.name}"
  user_labels  = local.labels
}

resource "google_monitoring_slo" "this" {
  for_each            = local.service_levels
  project             = var.project.id
  service             = google_monitoring_custom_service.this.service_id
  slo_id              = each.key
  display_name        = each.value.display_name
  goal                = each.value.goal
  rolling_period_days = 28
  user_labels         = local.labels
  request_based_sli {
    good_total_ratio {
      total_service_filter = each.value.total
      good_service_filter  = "${each.value.total} AND ${each.value.good}"
    }
  }
}
