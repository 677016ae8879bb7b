# Where other systems leave files; each bucket tells a topic of what has arrived. What was taken is in
# the database: a file is kept for a month, to be looked at, and goes with the client.
resource "google_storage_bucket" "this" {
  for_each                    = var.topology.buckets
  project                     = var.project.id
  name                        = "${var.project.id}-${var.name}-${each.key}"
  location                    = var.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  versioning {
    enabled = true
  }
  lifecycle_rule {
    condition {
      age = 30
    }
    action {
      type = "Delete"
    }
  }
  dynamic "encryption" {
    for_each = var.client.kms_key == null ? [] : [var.client.kms_key]
    content {
      default_kms_key_name = encryption.value
    }
  }
}

resource "google_storage_notification" "this" {
  for_each       = var.topology.buckets
  bucket         = google_storage_bucket.this[each.key].name
  topic          = google_pubsub_topic.this[each.value.topic].id
  payload_format = "JSON_API_V1"
  event_types    = ["OBJECT_FINALIZE"]
  depends_on     = [google_pubsub_topic_iam_member.publisher]
}

locals {
  reading = merge([
    for bucket, declared in var.topology.buckets : {
      for function in declared.read_by : "${bucket}/${function}" => { bucket = bucket, function = function }
    }
  ]...)
}

resource "google_storage_bucket_iam_member" "reader" {
  for_each = local.reading
  bucket   = google_storage_bucket.this[each.value.bucket].name
  role     = "roles/storage.objectViewer"
  member   = "serviceAccount:${google_service_account.function[each.value.function].email}"
}

# They may add files, and neither read nor replace what is there.
resource "google_storage_bucket_iam_member" "uploader" {
  for_each = {
    for pair in setproduct(keys(var.topology.buckets), var.client.uploaders) :
    "${pair[0]}/${pair[1]}" => { bucket = pair[0], member = pair[1] }
  }
  bucket = google_storage_bucket.this[each.value.bucket].name
  role   = "roles/storage.objectCreator"
  member = each.value.member
}
