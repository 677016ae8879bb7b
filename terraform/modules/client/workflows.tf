# A run finishes on the revision that it began with: Workflows keeps it for running executions.
resource "google_workflows_workflow" "this" {
  for_each = merge([
    for site, at in local.sites : {
      for name in keys(var.topology.workflows) : "${site}${name}" => { workflow = name, site = site, region = at.region }
    }
  ]...)
  project             = var.project.id
  region              = each.value.region
  name                = "${var.name}-${each.value.workflow}"
  labels              = local.labels
  source_contents     = var.workflows[each.value.workflow]
  service_account     = google_service_account.invoker.id
  call_log_level      = "LOG_ERRORS_ONLY"
  crypto_key_name     = var.client.kms_key
  deletion_protection = false
  user_env_vars = {
    DISPATCH_TIMEOUT     = tostring(local.stages.dispatch.timeout)
    DISPATCH_ATTEMPTS    = tostring(local.stages.dispatch.attempts)
    DISPATCHER_URL       = google_cloudfunctions2_function.this["${each.value.site}dispatcher"].service_config[0].uri
    SOLVER_URL           = google_cloudfunctions2_function.this["${each.value.site}solver"].service_config[0].uri
    SOLVE_ASSET_WORKFLOW = "${var.name}-solve-asset"
    ASSET_SETTLED_TOPIC  = google_pubsub_topic.this["asset-settled"].id
    CUTOFF_REACHED_TOPIC = google_pubsub_topic.this["cutoff-reached"].id
  }
}
