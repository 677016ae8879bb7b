# What a project has for all its clients, and what is refused.

variables {
  project  = "hydrobid-example"
  region   = "europe-north1"
  archives = { solver = "dist/solver-0123456789abcdef.zip" }
}

run "nothing_but_a_project" {
  command = plan
  module { source = "./modules/platform" }
  variables { repository = null }

  assert {
    condition     = output.deployer == null && length(google_service_account.deployer) == 0
    error_message = "without a repository nobody deploys but people"
  }
  assert {
    condition     = length(google_billing_budget.this) == 0 && length(google_monitoring_notification_channel.email) == 0
    error_message = "no budget and nobody to write to unless the variables say so"
  }
  assert {
    condition     = google_storage_bucket_object.archive["solver"].name == "functions/solver-0123456789abcdef.zip"
    error_message = "an archive keeps the name that its content gave it"
  }
  assert {
    condition     = alltrue([for bucket in [google_storage_bucket.archives, google_storage_bucket.logs] : bucket.public_access_prevention == "enforced" && bucket.uniform_bucket_level_access])
    error_message = "no bucket can be opened to everybody"
  }
  assert {
    condition     = google_logging_metric.this["coverage"].metric_descriptor[0].value_type == "DISTRIBUTION" && google_logging_metric.this["alerts"].metric_descriptor[0].value_type == "INT64"
    error_message = "coverage is a distribution, all else is counted"
  }
}

run "options" {
  command = plan
  module { source = "./modules/platform" }
  variables {
    repository   = "example/hydrobid"
    alert_emails = ["desk@example.com", "dam@example.com"]
    regions      = ["europe-north1", "europe-west4"]
    budget       = { billing_account = "000000-000000-000000", amount = 200 }
  }
  assert {
    condition     = length(google_project_iam_member.deployer) > 10 && alltrue([for right in google_project_iam_member.deployer : !contains(["roles/owner", "roles/editor"], right.role)])
    error_message = "the deployer has roles of services, and no primitive one"
  }
  assert {
    condition     = { for region, made in google_artifact_registry_repository.functions : region => made.location } == { europe-north1 = "europe-north1", europe-west4 = "europe-west4" }
    error_message = "images lie where their functions are"
  }
  assert {
    condition     = toset(keys(google_monitoring_notification_channel.email)) == toset(["desk@example.com", "dam@example.com"])
    error_message = "a channel for each address"
  }
  assert {
    condition     = google_billing_budget.this[0].amount[0].specified_amount[0].units == "200" && length(google_billing_budget.this[0].threshold_rules) == 3
    error_message = "a budget warns at three shares of its amount"
  }
}

run "repository_of_another_form" {
  command = plan
  module { source = "./modules/platform" }
  variables { repository = "https://github.com/example/hydrobid" }
  expect_failures = [var.repository]
}

run "address_that_is_none" {
  command = plan
  module { source = "./modules/platform" }
  variables { alert_emails = ["desk"] }
  expect_failures = [var.alert_emails]
}
