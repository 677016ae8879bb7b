output "addresses" {
  description = "Where the client's parts are."
  value = {
    database  = google_firestore_database.this.name
    functions = { for name, function in google_cloudfunctions2_function.this : name => function.service_config[0].uri }
    workflows = { for name, workflow in google_workflows_workflow.this : name => workflow.id }
    secret    = google_secret_manager_secret.exchange.id
  }
}

output "schedules" {
  description = "When each job fires, on the market's clock."
  value       = { time_zone = var.market.time_zone, jobs = local.schedules }
}
