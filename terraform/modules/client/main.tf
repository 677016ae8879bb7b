locals {
  stages = var.client.stages
  labels = { client = var.name, part-of = "hydrobid" }

  # Where the client's functions, workflows and jobs are: its region, and the one that stands by. What is
  # in the latter has a key that begins with "standby/", so that naming it moves nothing.
  standby = var.client.standby
  sites = merge(
    { "" = { region = var.region, vpc_connector = var.client.vpc_connector } },
    local.standby == null ? {} : {
      "standby/" = { region = local.standby.region, vpc_connector = local.standby.vpc_connector }
    },
  )
  regions = [for site in local.sites : site.region]
  active  = try(local.standby.active, false) ? "standby/" : ""

  # Names as the library makes them (bootstrap/topology.py).
  functions = { for name in var.topology.functions : name => "${var.name}-${name}" }
  topics    = { for name, topic in var.topology.topics : name => "${var.name}-${name}" }

  # Whom a topic is pushed to, and the functions that people or workflows call by themselves.
  pushed = toset([for topic in var.topology.topics : topic.function])
}

# A database of its own: what one client's functions may read and write is this and nothing else.
resource "google_firestore_database" "this" {
  project                           = var.project.id
  name                              = "hydrobid-${var.name}"
  location_id                       = coalesce(var.client.database_location, var.region)
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "PESSIMISTIC"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.client.retention.keep_data ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.client.retention.keep_data ? "ABANDON" : "DELETE"

  dynamic "cmek_config" {
    for_each = var.client.kms_key == null ? [] : [var.client.kms_key]
    content {
      kms_key_name = cmek_config.value
    }
  }
}

resource "google_firestore_backup_schedule" "daily" {
  project   = var.project.id
  database  = google_firestore_database.this.name
  retention = "${var.client.retention.backups_days * 86400}s"
  daily_recurrence {}
}

# Content in chunks of bytes: an index of it would cost more than it and find nothing.
resource "google_firestore_field" "blobs" {
  project    = var.project.id
  database   = google_firestore_database.this.name
  collection = "blobs"
  field      = "data"
  index_config {}
}

# What was solved for a run goes after a while, where the file says so: each document of it says when, in
# a field that is not indexed either.
resource "google_firestore_field" "expiring" {
  for_each   = toset(var.client.retention.solves_days == null ? [] : var.topology.expiring)
  project    = var.project.id
  database   = google_firestore_database.this.name
  collection = each.value
  field      = "expires_at"
  ttl_config {}
  index_config {}
}

# The account at the exchange. Its value is put in by hand, never by terraform: state is no safe.
resource "google_secret_manager_secret" "exchange" {
  project   = var.project.id
  secret_id = "${var.name}-exchange"
  labels    = local.labels
  replication {
    user_managed {
      dynamic "replicas" {
        for_each = local.regions
        content {
          location = replicas.value
          dynamic "customer_managed_encryption" {
            for_each = var.client.kms_key == null ? [] : [var.client.kms_key]
            content {
              kms_key_name = customer_managed_encryption.value
            }
          }
        }
      }
    }
  }
}
