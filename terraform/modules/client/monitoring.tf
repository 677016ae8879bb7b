# Policies on what the platform itself can see; what a run means is told by hydrobid's own alerts.
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
}

resource "google_monitoring_alert_policy" "dead_letters" {
  project               = var.project.id
  display_name          = "hydrobid ${var.name}: messages given up"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels
  user_labels           = local.labels
  conditions {
    display_name = "dead letters wait"
    condition_threshold {
      filter          = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${google_pubsub_subscription.dead_letters.name}\" AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }
  documentation {
    content = "A message was tried as often as its stage allows. `hydrobid dead-letters --client ${var.name}` shows it; `hydrobid dead-letters replay` delivers it again."
  }
}

resource "google_monitoring_alert_policy" "workflow_failed" {
  project               = var.project.id
  display_name          = "hydrobid ${var.name}: a daily bid's workflow failed"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels
  user_labels           = local.labels
  conditions {
    display_name = "an execution of daily-bid failed"
    condition_threshold {
      filter          = "resource.type = \"workflows.googleapis.com/Workflow\" AND resource.labels.workflow_id = \"${google_workflows_workflow.this["daily-bid"].name}\" AND metric.type = \"workflows.googleapis.com/finished_execution_count\" AND metric.labels.status = \"FAILED\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_DELTA"
      }
    }
  }
  documentation {
    content = "The guard still ends the day with one right bid or one right alert; `hydrobid diagnose RUN` says where it stands."
  }
}
