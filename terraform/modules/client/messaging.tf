resource "google_pubsub_topic" "this" {
  for_each     = local.topics
  project      = var.project.id
  name         = each.value
  labels       = local.labels
  kms_key_name = var.client.kms_key
  message_storage_policy {
    allowed_persistence_regions = local.regions
  }
}

resource "google_pubsub_topic" "dead_letters" {
  project      = var.project.id
  name         = "${var.name}-${var.topology.dead_letters}"
  labels       = local.labels
  kms_key_name = var.client.kms_key
  message_storage_policy {
    allowed_persistence_regions = local.regions
  }
}

# What was given up is kept until somebody looks: `hydrobid dead-letters`.
resource "google_pubsub_subscription" "dead_letters" {
  project                    = var.project.id
  name                       = "${var.name}-${var.topology.dead_letters}-kept"
  topic                      = google_pubsub_topic.dead_letters.id
  labels                     = local.labels
  message_retention_duration = "2678400s"
  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_subscription" "push" {
  for_each             = var.topology.topics
  project              = var.project.id
  name                 = "${local.topics[each.key]}-${each.value.function}"
  topic                = google_pubsub_topic.this[each.key].id
  labels               = local.labels
  ack_deadline_seconds = local.stages[each.value.stage].timeout

  push_config {
    # The functions framework takes the topic from the path.
    push_endpoint = "${google_cloudfunctions2_function.this["${local.active}${each.value.function}"].service_config[0].uri}/projects/${var.project.id}/topics/${local.topics[each.key]}"
    oidc_token {
      service_account_email = google_service_account.invoker.email
      audience              = google_cloudfunctions2_function.this["${local.active}${each.value.function}"].service_config[0].uri
    }
  }
  retry_policy {
    minimum_backoff = "1s"
    maximum_backoff = "60s"
  }
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letters.id
    max_delivery_attempts = local.stages[each.value.stage].attempts
  }
  expiration_policy {
    ttl = ""
  }
}
