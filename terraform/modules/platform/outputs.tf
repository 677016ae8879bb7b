output "project" {
  description = "The project's id and number."
  value = {
    id     = var.project
    number = data.google_project.this.number
  }
}

output "for_clients" {
  description = "What every client's functions are built from and by, and where its alerts go."
  value = {
    archives = {
      for name, archive in google_storage_bucket_object.archive :
      name => { bucket = archive.bucket, object = archive.name }
    }
    builder      = google_service_account.builder.id
    repositories = { for region, repository in google_artifact_registry_repository.functions : region => repository.id }
    metrics      = { for name, metric in google_logging_metric.this : name => "logging.googleapis.com/user/${metric.name}" }
    channels     = [for channel in google_monitoring_notification_channel.email : channel.id]
  }
}

output "deployer" {
  description = "The deployer's address and the provider of its identity; null without a repository."
  value = var.repository == null ? null : {
    service_account   = google_service_account.deployer[0].email
    identity_provider = google_iam_workload_identity_pool_provider.github[0].name
  }
}

output "bucket" {
  description = "Where the functions' archives are kept."
  value       = google_storage_bucket.archives.name
}
