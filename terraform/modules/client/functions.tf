locals {
  budgets = {
    dispatcher = local.stages.dispatch.timeout
    solver     = local.stages.solve.timeout
    aggregator = local.stages.aggregate.timeout
    submission = local.stages.submit.timeout
    desk       = 60
  }
  sizes = {
    solver = {
      memory      = var.client.solver.memory
      cpu         = var.client.solver.cpu
      instances   = var.client.solver.max_instances
      concurrency = 1
    }
  }
  size = { memory = "512Mi", cpu = "1", instances = 10, concurrency = 8 }

  # The functions that speak to the exchange.
  traders = toset(["submission"])

  environment = {
    HYDROBID_CLIENT   = var.name
    HYDROBID_PROJECT  = var.project.id
    HYDROBID_LOCATION = var.region
  }
  # Spans into Cloud Trace, by the functions' own accounts.
  traces = var.client.traces ? {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT                        = "https://telemetry.googleapis.com/v1/traces"
    OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER = "gcp_http_credentials"
  } : {}
  own_environment = {
    solver = { HYDROBID_SOLVER_WORKERS = "1" }
    desk = {
      HYDROBID_DESK_IAP_AUDIENCE = "/projects/${var.project.number}/locations/${var.region}/services/${var.name}-desk"
    }
    submission = {
      HYDROBID_EXCHANGE_URL         = var.client.exchange.url
      HYDROBID_EXCHANGE_TOKEN_URL   = var.client.exchange.token_url
      HYDROBID_EXCHANGE_CREDENTIALS = "secret:projects/${var.project.id}/secrets/${google_secret_manager_secret.exchange.secret_id}/versions/latest"
      HYDROBID_EXCHANGE_REHEARSAL   = tostring(var.client.rehearsal)
    }
  }
}

resource "google_cloudfunctions2_function" "this" {
  for_each = local.functions
  project  = var.project.id
  location = var.region
  name     = each.value
  labels   = local.labels

  build_config {
    runtime           = "python311"
    entry_point       = each.key
    service_account   = var.platform.builder
    docker_repository = var.platform.repository
    source {
      storage_source {
        bucket = var.platform.archives[each.key].bucket
        object = var.platform.archives[each.key].object
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.function[each.key].email
    timeout_seconds                  = local.budgets[each.key]
    available_memory                 = lookup(local.sizes, each.key, local.size).memory
    available_cpu                    = lookup(local.sizes, each.key, local.size).cpu
    max_instance_count               = lookup(local.sizes, each.key, local.size).instances
    max_instance_request_concurrency = lookup(local.sizes, each.key, local.size).concurrency
    environment_variables            = merge(local.environment, local.traces, lookup(local.own_environment, each.key, {}))
    all_traffic_on_latest_revision   = true
    # Workflows, Pub/Sub and Scheduler come from inside; the desk's people do not.
    ingress_settings = each.key == "desk" ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"
    vpc_connector    = var.client.vpc_connector
  }

  kms_key_name = var.client.kms_key
  depends_on   = [google_secret_manager_secret_iam_member.exchange]
}
