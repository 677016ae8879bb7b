# Who is told of what: by hydrobid's own alerts, and of what only the platform can see.
resource "google_monitoring_notification_channel" "email" {
  for_each     = toset(var.client.alert_emails)
  project      = var.project.id
  display_name = "hydrobid ${var.name}: ${each.value}"
  type         = "email"
  labels = {
    email_address = each.value
  }
}

locals {
  channels = concat(
    var.platform.channels,
    [for channel in google_monitoring_notification_channel.email : channel.id],
  )

  # Metrics above a threshold.
  policies = {
    dead-letters = {
      title    = "messages given up"
      severity = "ERROR"
      filter   = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${google_pubsub_subscription.dead_letters.name}\""
      aligner  = "ALIGN_MAX"
      content  = "A message was tried as often as its stage allows. `hydrobid dead-letters --client ${var.name}` shows it; `hydrobid dead-letters replay` delivers it again."
    }
    workflow-failed = {
      title    = "a daily bid's workflow failed"
      severity = "CRITICAL"
      filter   = "metric.type=\"workflows.googleapis.com/finished_execution_count\" AND resource.type=\"workflows.googleapis.com/Workflow\" AND resource.labels.workflow_id=\"${google_workflows_workflow.this["daily-bid"].name}\" AND metric.labels.status=\"FAILED\""
      aligner  = "ALIGN_DELTA"
      content  = "The guard still ends the day with one right bid or one right alert; `hydrobid diagnose RUN` says where it stands."
    }
    late = {
      title    = "a run reached its submission cut-off"
      severity = "CRITICAL"
      filter   = "${local.own.cut-offs} AND metric.labels.cut_off=\"submission\""
      aligner  = "ALIGN_DELTA"
      content  = "It should have ended before. From now on the guard ends the day, every minute until the gate. `hydrobid diagnose RUN` says what it waited for; docs/runbook.md, a missed deadline."
    }
    coverage-low = {
      title    = "bids on less than every scenario"
      severity = "WARNING"
      filter   = "${local.own.partial-bids} AND metric.labels.state!=\"COMPLETE\""
      aligner  = "ALIGN_DELTA"
      content  = "An asset's bid is PARTIAL, FALLBACK or FAILED. `hydrobid diagnose RUN` names the scenarios that are missing, and why."
    }
  }
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each              = local.policies
  project               = var.project.id
  display_name          = "hydrobid ${var.name}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels
  user_labels           = local.labels
  conditions {
    display_name = each.value.title
    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = each.value.aligner
      }
    }
  }
  documentation {
    content = each.value.content
  }
}

resource "google_monitoring_alert_policy" "error_budget" {
  project               = var.project.id
  display_name          = "hydrobid ${var.name}: the error budget goes fast"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels
  user_labels           = local.labels
  dynamic "conditions" {
    for_each = google_monitoring_slo.this
    content {
      display_name = conditions.value.display_name
      condition_threshold {
        filter          = "select_slo_burn_rate(\"${conditions.value.name}\", \"86400s\")"
        comparison      = "COMPARISON_GT"
        threshold_value = local.fastest_burn
        duration        = "0s"
      }
    }
  }
  documentation {
    content = "In the last day a share of the 28 days' budget went that would not last. docs/service-levels.md says what is counted."
  }
}

# Sent within minutes, with the alert's own words: a metric would take longer and tell less.
resource "google_monitoring_alert_policy" "alert" {
  project               = var.project.id
  display_name          = "hydrobid ${var.name}: a CRITICAL alert"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels
  user_labels           = local.labels
  conditions {
    display_name = "the day's bid is at stake"
    condition_matched_log {
      filter = "resource.type=\"cloud_run_revision\" AND severity=\"CRITICAL\" AND labels.client=\"${var.name}\" AND jsonPayload.alert_state=\"open\""
      label_extractors = {
        code    = "EXTRACT(jsonPayload.code)"
        run     = "EXTRACT(labels.run)"
        subject = "EXTRACT(jsonPayload.subject)"
        told    = "EXTRACT(jsonPayload.message)"
      }
    }
  }
  alert_strategy {
    auto_close = "86400s"
    notification_rate_limit {
      period = "300s"
    }
  }
  documentation {
    subject = "$${log.extracted_label.code} of ${var.name}"
    content = "$${log.extracted_label.told} ($${log.extracted_label.run}, $${log.extracted_label.subject}). docs/alerts.md says what was done and what a person can do."
  }
}

# Scheduler tells of a job that it could not fire in a log of its own only.
resource "google_monitoring_alert_policy" "job_failed" {
  project               = var.project.id
  display_name          = "hydrobid ${var.name}: a job could not be fired"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels
  user_labels           = local.labels
  conditions {
    display_name = "an attempt failed"
    condition_matched_log {
      filter = "resource.type=\"cloud_scheduler_job\" AND severity>=ERROR AND resource.labels.job_id=(${join(" OR ", [for job in keys(var.topology.jobs) : "\"${var.name}-${job}\""])})"
      label_extractors = {
        job = "EXTRACT(resource.labels.job_id)"
      }
    }
  }
  alert_strategy {
    auto_close = "86400s"
    notification_rate_limit {
      period = "3600s"
    }
  }
  documentation {
    content = "Where it is the daily run, start it by hand: docs/runbook.md, a missed deadline."
  }
}
