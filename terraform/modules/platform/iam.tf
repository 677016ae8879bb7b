# Builds the functions' images; without it Cloud Build acts as an account that may do much more.
resource "google_service_account" "builder" {
  project      = var.project
  account_id   = "hydrobid-builder"
  display_name = "Builds hydrobid's functions"
}

resource "google_project_iam_member" "builder_logs" {
  project = var.project
  role    = "roles/logging.logWriter"
  member  = "serviceAccount:${google_service_account.builder.email}"
}

resource "google_project_iam_member" "builder_images" {
  project = var.project
  role    = "roles/artifactregistry.writer"
  member  = "serviceAccount:${google_service_account.builder.email}"
}

resource "google_storage_bucket_iam_member" "builder_archives" {
  bucket = google_storage_bucket.archives.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${google_service_account.builder.email}"
}

resource "google_storage_bucket_iam_member" "sink" {
  bucket = google_storage_bucket.logs.name
  role   = "roles/storage.objectCreator"
  member = google_logging_project_sink.errors.writer_identity
}

# A delivery pipeline on GitHub acts as the deployer by its own identity: there is no key to lose. Only
# its environment production may, which the repository can have people agree to, on the main branch.
locals {
  pipeline = "repo:${coalesce(var.repository, "none/none")}:environment:production"
}

resource "google_iam_workload_identity_pool" "github" {
  count                     = var.repository == null ? 0 : 1
  project                   = var.project
  workload_identity_pool_id = "hydrobid-github"
  display_name              = "hydrobid on GitHub"
}

resource "google_iam_workload_identity_pool_provider" "github" {
  count                              = var.repository == null ? 0 : 1
  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.github[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  attribute_mapping = {
    "google.subject" = "assertion.sub"
    "attribute.ref"  = "assertion.ref"
  }
  attribute_condition = "assertion.sub == \"${local.pipeline}\" && assertion.ref == \"refs/heads/main\""
  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account" "deployer" {
  count        = var.repository == null ? 0 : 1
  project      = var.project
  account_id   = "hydrobid-deployer"
  display_name = "Deploys hydrobid from ${var.repository}"
}

resource "google_service_account_iam_member" "deployer" {
  count              = var.repository == null ? 0 : 1
  service_account_id = google_service_account.deployer[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.github[0].name}/subject/${local.pipeline}"
}

# What the resources of both modules need, and no more.
resource "google_project_iam_member" "deployer" {
  for_each = var.repository == null ? toset([]) : toset([
    "roles/artifactregistry.admin",
    "roles/cloudfunctions.admin",
    "roles/cloudscheduler.admin",
    "roles/datastore.owner",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountUser",
    "roles/logging.configWriter",
    "roles/monitoring.editor",
    "roles/pubsub.admin",
    "roles/resourcemanager.projectIamAdmin",
    "roles/run.admin",
    "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageAdmin",
    "roles/storage.admin",
    "roles/workflows.admin",
  ])
  project = var.project
  role    = each.value
  member  = "serviceAccount:${google_service_account.deployer[0].email}"
}
