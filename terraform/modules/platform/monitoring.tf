resource "google_monitoring_notification_channel" "email" {
  for_each     = toset(var.alert_emails)
  project      = var.project
  display_name = "hydrobid: ${each.value}"
  type         = "email"
  labels = {
    email_address = each.value
  }
}
