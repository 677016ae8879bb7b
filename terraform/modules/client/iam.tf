# One account a function, and one in whose name the client's parts call each other. Every right is
# on something of this client's alone.
resource "google_service_account" "function" {
  for_each     = local.functions
  project      = var.project.id
  account_id   = each.value
  display_name = "hydrobid ${var.name}: ${each.key}"
}

resource "google_service_account" "invoker" {
  project      = var.project.id
  account_id   = "${var.name}-invoker"
  display_name = "hydrobid ${var.name}: calls the client's own functions"
}

resource "google_project_iam_member" "database" {
  for_each = google_service_account.function
  project  = var.project.id
  role     = "roles/datastore.user"
  member   = "serviceAccount:${each.value.email}"
  condition {
    title       = "database of ${var.name}"
    description = "No other client's database."
    expression  = "resource.name == \"projects/${var.project.id}/databases/${google_firestore_database.this.name}\""
  }
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = google_cloudfunctions2_function.this
  project  = var.project.id
  location = each.value.location
  name     = each.value.name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${google_service_account.invoker.email}"
}

locals {
  desks = { for key, placed in local.placed : key => placed if placed.function == "desk" }
}

# People come to the desk through Identity-Aware Proxy, which says who they are; the desk takes nobody
# who came another way.
resource "google_cloud_run_v2_service_iam_member" "proxy" {
  for_each = local.desks
  project  = var.project.id
  location = each.value.region
  name     = google_cloudfunctions2_function.this[each.key].name
  role     = "roles/run.invoker"
  member   = "serviceAccount:service-${var.project.number}@gcp-sa-iap.iam.gserviceaccount.com"
}

resource "google_iap_web_cloud_run_service_iam_member" "desk" {
  for_each = {
    for pair in setproduct(keys(local.desks), var.client.desk) :
    "${trimsuffix(pair[0], "desk")}${pair[1]}" => { desk = pair[0], member = pair[1] }
  }
  project                = var.project.id
  location               = local.desks[each.value.desk].region
  cloud_run_service_name = google_cloudfunctions2_function.this[each.value.desk].name
  role                   = "roles/iap.httpsResourceAccessor"
  member                 = each.value.member
}

# Scheduler's own agent publishes for the jobs, Cloud Storage's for the buckets; workflows publish as the
# invoker.
locals {
  publishers = merge(
    {
      workflows = google_service_account.invoker.email
      buckets   = "service-${var.project.number}@gs-project-accounts.iam.gserviceaccount.com"
    },
    { for name, account in google_service_account.function : name => account.email },
  )
  publishing = merge([
    for topic, declared in var.topology.topics : {
      for who in declared.published_by : "${topic}/${who}" => { topic = topic, who = who } if who != "jobs"
    }
  ]...)
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publishing
  project  = var.project.id
  topic    = google_pubsub_topic.this[each.value.topic].name
  role     = "roles/pubsub.publisher"
  member   = "serviceAccount:${local.publishers[each.value.who]}"
}

# Starting executions, and calling them back as submission does. Workflows has no policy on a single
# workflow, so the right is on the project, for names that begin with this client's.
locals {
  starting = setintersection(
    concat(["submission"], flatten([for workflow in var.topology.workflows : workflow.started_by])),
    var.topology.functions,
  )
}

resource "google_project_iam_member" "workflows" {
  for_each = merge(
    { invoker = google_service_account.invoker.email },
    { for name in local.starting : name => google_service_account.function[name].email },
  )
  project = var.project.id
  role    = "roles/workflows.invoker"
  member  = "serviceAccount:${each.value}"
  condition {
    title       = "workflows of ${var.name}"
    description = "No other client's workflows."
    # The workflow itself and what is within it; not another's whose name goes on from there.
    expression = join(" || ", flatten([
      for pair in setproduct(local.regions, keys(var.topology.workflows)) : [
        "resource.name == \"projects/${var.project.id}/locations/${pair[0]}/workflows/${var.name}-${pair[1]}\"",
        "resource.name.startsWith(\"projects/${var.project.id}/locations/${pair[0]}/workflows/${var.name}-${pair[1]}/\")",
      ]
    ]))
  }
}

resource "google_project_iam_member" "logs" {
  project = var.project.id
  role    = "roles/logging.logWriter"
  member  = "serviceAccount:${google_service_account.invoker.email}"
}

resource "google_project_iam_member" "traces" {
  for_each = var.client.traces ? google_service_account.function : {}
  project  = var.project.id
  role     = "roles/telemetry.tracesWriter"
  member   = "serviceAccount:${each.value.email}"
}

resource "google_secret_manager_secret_iam_member" "exchange" {
  for_each  = local.traders
  project   = var.project.id
  secret_id = google_secret_manager_secret.exchange.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${google_service_account.function[each.value].email}"
}

# Pub/Sub's own agent makes the tokens of pushes, and moves what was given up.
locals {
  pubsub_agent = "serviceAccount:service-${var.project.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_service_account_iam_member" "push_tokens" {
  service_account_id = google_service_account.invoker.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent
}

resource "google_pubsub_topic_iam_member" "dead_letters" {
  project = var.project.id
  topic   = google_pubsub_topic.dead_letters.name
  role    = "roles/pubsub.publisher"
  member  = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "forwarded" {
  for_each     = google_pubsub_subscription.push
  project      = var.project.id
  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
