# A run finishes on the revision that it began with: Workflows keeps it for running executions.
resource "google_workflows_workflow" "this" {
  for_each            = var.topology.workflows
  project             = var.project.id
  region              = var.region
  name                = "${var.name}-${each.key}"
  labels              = local.labels
  source_contents     = var.workflows[each.key]
  service_account     = google_service_account.invoker.id
  call_log_level      = "LOG_ERRORS_ONLY"
  crypto_key_name     = var.client.kms_key
  deletion_protection = false
  user_env_vars = {
    DISPATCH_TIMEOUT     = tostring(local.stages.dispatch.timeout)
    DISPATCH_ATTEMPTS    = tostring(local.stages.dispatch.attempts)
    DISPATCHER_URL       = google_cloudfunctions2_function.this["dispatcher"].service_config[0].uri
    SOLVER_URL           = google_cloudfunctions2_function.this["solver"].service_config[0].uri
    SOLVE_ASSET_WORKFLOW = "${var.name}-solve-asset"
    ASSET_SETTLED_TOPIC  = google_pubsub_topic.this["asset-settled"].id
    CUTOFF_REACHED_TOPIC = google_pubsub_topic.this["cutoff-reached"].id
  }
}
