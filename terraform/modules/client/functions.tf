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

  placed = merge([
    for site, at in local.sites : {
      for name in var.topology.functions : "${site}${name}" => merge(at, { function = name })
    }
  ]...)

  environment = {
    HYDROBID_CLIENT  = var.name
    HYDROBID_PROJECT = var.project.id
  }
  # Spans into Cloud Trace, by the functions' own accounts.
  traces = var.client.traces ? {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT                        = "https://telemetry.googleapis.com/v1/traces"
    OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER = "gcp_http_credentials"
  } : {}
  own_environment = {
    dispatcher = var.client.retention.solves_days == null ? {} : {
      HYDROBID_SOLVES_DAYS = tostring(var.client.retention.solves_days)
    }
    solver = { HYDROBID_SOLVER_WORKERS = "1" }
    submission = {
      HYDROBID_EXCHANGE_URL         = var.client.exchange.url
      HYDROBID_EXCHANGE_TOKEN_URL   = var.client.exchange.token_url
      HYDROBID_EXCHANGE_CREDENTIALS = "secret:projects/${var.project.id}/secrets/${google_secret_manager_secret.exchange.secret_id}/versions/latest"
      HYDROBID_EXCHANGE_REHEARSAL   = tostring(var.client.rehearsal)
    }
  }
}

resource "google_cloudfunctions2_function" "this" {
  for_each = local.placed
  project  = var.project.id
  location = each.value.region
  name     = local.functions[each.value.function]
  labels   = local.labels

  build_config {
    runtime           = "python311"
    entry_point       = each.value.function
    service_account   = var.platform.builder
    docker_repository = var.platform.repositories[each.value.region]
    source {
      storage_source {
        bucket = var.platform.archives[each.value.function].bucket
        object = var.platform.archives[each.value.function].object
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.function[each.value.function].email
    timeout_seconds                  = local.budgets[each.value.function]
    available_memory                 = lookup(local.sizes, each.value.function, local.size).memory
    available_cpu                    = lookup(local.sizes, each.value.function, local.size).cpu
    max_instance_count               = lookup(local.sizes, each.value.function, local.size).instances
    max_instance_request_concurrency = lookup(local.sizes, each.value.function, local.size).concurrency
    all_traffic_on_latest_revision   = true
    environment_variables = merge(
      local.environment,
      local.traces,
      lookup(local.own_environment, each.value.function, {}),
      { HYDROBID_LOCATION = each.value.region },
      each.value.function != "desk" ? {} : {
        HYDROBID_DESK_IAP_AUDIENCE = "/projects/${var.project.number}/locations/${each.value.region}/services/${local.functions[each.value.function]}"
      },
    )
    # Workflows, Pub/Sub and Scheduler come from inside; the desk's people do not.
    ingress_settings = each.value.function == "desk" ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"
    vpc_connector    = each.value.vpc_connector
  }

  kms_key_name = var.client.kms_key
  depends_on   = [google_secret_manager_secret_iam_member.exchange]
}
