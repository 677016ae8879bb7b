locals {
  services = toset([
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudscheduler.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "iap.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
    "telemetry.googleapis.com",
    "workflowexecutions.googleapis.com",
    "workflows.googleapis.com",
  ])
}

resource "google_project_service" "this" {
  for_each           = local.services
  project            = var.project
  service            = each.value
  disable_on_destroy = false
}

data "google_project" "this" {
  project_id = var.project
}

resource "google_storage_bucket" "archives" {
  project                     = var.project
  name                        = "${var.project}-hydrobid-archives"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # What was replaced stays for a roll-back.
  versioning {
    enabled = true
  }
  lifecycle_rule {
    condition {
      num_newer_versions = 20
    }
    action {
      type = "Delete"
    }
  }
  depends_on = [google_project_service.this]
}

# Named by content: a change of code is another object, and only that deploys a function anew.
resource "google_storage_bucket_object" "archive" {
  for_each = var.archives
  bucket   = google_storage_bucket.archives.name
  name     = "functions/${basename(each.value)}"
  source   = each.value
}

# One in each region that has functions: a function's image has to be where the function is.
resource "google_artifact_registry_repository" "functions" {
  for_each      = setunion([var.region], var.regions)
  project       = var.project
  location      = each.value
  repository_id = "hydrobid-functions"
  format        = "DOCKER"
  description   = "Images that the functions are built into."

  cleanup_policies {
    id     = "keep-last"
    action = "KEEP"
    most_recent_versions {
      keep_count = 20
    }
  }
  depends_on = [google_project_service.this]
}

# Errors and warnings outlive the default month: a missed gate is looked into later than that.
resource "google_storage_bucket" "logs" {
  project                     = var.project
  name                        = "${var.project}-hydrobid-logs"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  lifecycle_rule {
    condition {
      age = 730
    }
    action {
      type = "Delete"
    }
  }
  depends_on = [google_project_service.this]
}

resource "google_logging_project_sink" "errors" {
  project                = var.project
  name                   = "hydrobid-errors"
  destination            = "storage.googleapis.com/${google_storage_bucket.logs.name}"
  filter                 = "severity>=WARNING AND (resource.type=\"cloud_run_revision\" OR resource.type=\"workflows.googleapis.com/Workflow\")"
  unique_writer_identity = true
}

resource "google_billing_budget" "this" {
  count           = var.budget == null ? 0 : 1
  billing_account = var.budget.billing_account
  display_name    = "hydrobid ${var.project}"
  amount {
    specified_amount {
      currency_code = var.budget.currency
      units         = floor(var.budget.amount)
    }
  }
  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }
  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }
}
