# What a client's file may say, and what is refused before anything is made.

variables {
  name = "river-example"
  client = {
    client   = "river-example"
    market   = "nordic"
    exchange = { url = "https://exchange.example.com", token_url = "https://sts.example.com/token" }
  }
  market = {
    time_zone    = "Europe/Oslo"
    gate_closure = { local_time = "12:00", days_before = 1 }
  }
  topology = {
    functions    = ["dispatcher", "solver", "aggregator", "submission"]
    dead_letters = "dead-letters"
    topics = {
      asset-settled  = { function = "aggregator", stage = "aggregate", published_by = ["workflows"] }
      cutoff-reached = { function = "submission", stage = "submit", published_by = ["workflows", "jobs"] }
    }
    workflows = { daily-bid = { source = "daily_bid.yaml" }, solve-asset = { source = "solve_asset.yaml" } }
    jobs      = { daily-run = { workflow = "daily-bid" }, guard = { topic = "cutoff-reached" } }
    expiring  = ["attempts", "scenarios"]
  }
  workflows = { daily-bid = "main: {}", solve-asset = "main: {}" }
  project   = { id = "hydrobid-example", number = "1" }
  region    = "europe-north1"
  platform = {
    builder = "projects/hydrobid-example/serviceAccounts/builder"
    repositories = {
      for region in ["europe-north1", "europe-west4"] : region => "projects/hydrobid-example/locations/${region}/repositories/functions"
    }
    channels = []
    metrics = {
      for name in ["cut-offs", "guarded-minutes", "partial-bids"] : name => "logging.googleapis.com/user/hydrobid/${name}"
    }
    archives = {
      for name in ["dispatcher", "solver", "aggregator", "submission"] :
      name => { bucket = "archives", object = "${name}.zip" }
    }
  }
}

run "defaults" {
  command = plan
  module { source = "./modules/client" }

  assert {
    condition     = google_firestore_database.this.name == "hydrobid-river-example"
    error_message = "a client has a database of its own"
  }
  assert {
    condition     = google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_ENABLED"
    error_message = "off-boarding keeps data unless the file says otherwise"
  }
  assert {
    condition     = google_cloudfunctions2_function.this["solver"].service_config[0].max_instance_request_concurrency == 1
    error_message = "a solver takes one task at a time"
  }
  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.this : f.service_config[0].ingress_settings == "ALLOW_INTERNAL_ONLY"])
    error_message = "nothing outside reaches the pipeline's functions"
  }
  assert {
    condition     = google_cloud_scheduler_job.topic["guard"].schedule == "* 11-12 * * *" && !google_cloud_scheduler_job.topic["guard"].paused
    error_message = "the guard ticks from its first minute to past the gate"
  }
  assert {
    condition     = google_pubsub_subscription.push["cutoff-reached"].ack_deadline_seconds == 60
    error_message = "a push has its stage's budget"
  }
  assert {
    condition     = length(google_firestore_field.expiring) == 0 && !contains(keys(google_cloudfunctions2_function.this["dispatcher"].service_config[0].environment_variables), "HYDROBID_SOLVES_DAYS")
    error_message = "nothing is deleted unless the file says so"
  }
  assert {
    condition     = length(google_cloudfunctions2_function.this) == 4 && toset([for f in google_cloudfunctions2_function.this : f.location]) == toset(["europe-north1"])
    error_message = "one region"
  }
}

run "guard_over_midnight" {
  command = plan
  module { source = "./modules/client" }
  variables {
    market = { time_zone = "Europe/London", gate_closure = { local_time = "00:02", days_before = 1 } }
    client = merge(var.client, {
      market = "london"
      stages = { daily_run = "00:00" }
    })
  }
  assert {
    condition     = google_cloud_scheduler_job.topic["guard"].schedule == "* 23-23,0-0 * * *"
    error_message = "hours on both sides of midnight"
  }
}

run "not_bidding" {
  command = plan
  module { source = "./modules/client" }
  variables {
    client = merge(var.client, {
      bids = false
    })
  }
  assert {
    condition     = alltrue([for job in merge(google_cloud_scheduler_job.topic, google_cloud_scheduler_job.workflow) : job.paused])
    error_message = "its jobs are there, and paused"
  }
}

run "options" {
  command = plan
  module { source = "./modules/client" }
  variables {
    client = merge(var.client, {
      vpc_connector = "projects/hydrobid-example/locations/europe-north1/connectors/exchange"
      kms_key       = "projects/hydrobid-example/locations/europe-north1/keyRings/r/cryptoKeys/k"
      solver        = { memory = "4Gi", cpu = "2", max_instances = 200 }
      retention     = { keep_data = false, backups_days = 7, solves_days = 90 }
      stages        = { solve = { timeout = 1800 }, guard = 600 }
      rehearsal     = true
      traces        = true
      uploaders     = ["serviceAccount:feed@example.com"]
    })
    topology = merge(var.topology, {
      topics = merge(var.topology.topics, {
        file-arrived = { function = "dispatcher", stage = "aggregate", published_by = ["buckets"] }
        results-due  = { function = "submission", stage = "submit", published_by = ["jobs"] }
      })
      jobs      = merge(var.topology.jobs, { results = { topic = "results-due" } })
      workflows = { daily-bid = { source = "daily_bid.yaml", started_by = ["jobs", "dispatcher"] } }
      buckets   = { inputs = { topic = "file-arrived", read_by = ["dispatcher"] } }
    })
  }
  assert {
    condition     = google_storage_notification.this["inputs"].event_types == toset(["OBJECT_FINALIZE"]) && keys(google_storage_bucket_iam_member.reader) == ["inputs/dispatcher"]
    error_message = "a file that arrives is told of, and read by who takes it"
  }
  assert {
    condition     = google_storage_bucket_iam_member.uploader["inputs/serviceAccount:feed@example.com"].role == "roles/storage.objectCreator"
    error_message = "who leaves files may do nothing else with them"
  }
  assert {
    condition     = toset(keys(google_project_iam_member.workflows)) == toset(["invoker", "submission", "dispatcher"])
    error_message = "who starts workflows may, and nobody else"
  }
  assert {
    condition     = google_cloudfunctions2_function.this["submission"].service_config[0].environment_variables["HYDROBID_EXCHANGE_REHEARSAL"] == "true" && google_cloud_scheduler_job.topic["results"].paused && !google_cloud_scheduler_job.topic["guard"].paused
    error_message = "a rehearsal has no exchange and asks for no results"
  }
  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.this : contains(keys(f.service_config[0].environment_variables), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")]) && length(google_project_iam_member.traces) == length(google_cloudfunctions2_function.this)
    error_message = "every function sends its spans, and may"
  }
  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.this : f.service_config[0].vpc_connector != null && f.kms_key_name != null])
    error_message = "every function is in the network and under the key"
  }
  assert {
    condition     = google_firestore_database.this.cmek_config[0].kms_key_name == var.client.kms_key && google_firestore_database.this.deletion_policy == "DELETE"
    error_message = "the database is under the key, and goes with the client"
  }
  assert {
    condition     = google_cloudfunctions2_function.this["solver"].service_config[0].timeout_seconds == 1800 && google_cloudfunctions2_function.this["solver"].service_config[0].max_instance_count == 200
    error_message = "the solver's budget and size"
  }
  assert {
    condition     = google_firestore_backup_schedule.daily.retention == "604800s"
    error_message = "seven days of backups"
  }
  assert {
    condition     = toset(keys(google_firestore_field.expiring)) == toset(var.topology.expiring) && alltrue([for field in google_firestore_field.expiring : length(field.ttl_config) == 1 && length(field.index_config) == 1])
    error_message = "what was solved expires, by a field that is not indexed"
  }
  assert {
    condition     = google_cloudfunctions2_function.this["dispatcher"].service_config[0].environment_variables["HYDROBID_SOLVES_DAYS"] == "90" && !contains(keys(google_cloudfunctions2_function.this["solver"].service_config[0].environment_variables), "HYDROBID_SOLVES_DAYS")
    error_message = "who plans runs says how long what is solved is kept"
  }
}

run "standing_by" {
  command = plan
  module { source = "./modules/client" }
  variables {
    client = merge(var.client, {
      database_location = "eur3"
      standby           = { region = "europe-west4" }
      desk              = ["group:desk@example.com"]
    })
    topology = merge(var.topology, { functions = concat(var.topology.functions, ["desk"]) })
    platform = merge(var.platform, {
      archives = merge(var.platform.archives, { desk = { bucket = "archives", object = "desk.zip" } })
    })
  }
  assert {
    condition     = google_firestore_database.this.location_id == "eur3"
    error_message = "the database is in several regions"
  }
  assert {
    condition     = alltrue([for name in var.topology.functions : google_cloudfunctions2_function.this["standby/${name}"].location == "europe-west4" && google_cloudfunctions2_function.this["standby/${name}"].name == google_cloudfunctions2_function.this[name].name && google_cloudfunctions2_function.this["standby/${name}"].build_config[0].source[0].storage_source[0].object == "${name}.zip"])
    error_message = "the same archives under the same names in the second region"
  }
  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.this : f.service_config[0].environment_variables["HYDROBID_LOCATION"] == f.location && strcontains(f.build_config[0].docker_repository, f.location)])
    error_message = "each starts what is in its own region, and has its image there"
  }
  assert {
    condition     = strcontains(google_cloudfunctions2_function.this["standby/desk"].service_config[0].environment_variables["HYDROBID_DESK_IAP_AUDIENCE"], "europe-west4") && keys(google_iap_web_cloud_run_service_iam_member.desk) == ["group:desk@example.com", "standby/group:desk@example.com"]
    error_message = "people come to the desk there as well"
  }
  assert {
    condition     = google_workflows_workflow.this["standby/daily-bid"].region == "europe-west4" && google_workflows_workflow.this["daily-bid"].region == "europe-north1"
    error_message = "the same workflows in both"
  }
  assert {
    condition     = google_cloud_scheduler_job.topic["standby/guard"].paused && google_cloud_scheduler_job.workflow["standby/daily-run"].paused && !google_cloud_scheduler_job.topic["guard"].paused
    error_message = "only the first region's jobs fire"
  }
  assert {
    condition     = alltrue([for topic in google_pubsub_topic.this : topic.message_storage_policy[0].allowed_persistence_regions == toset(["europe-north1", "europe-west4"])]) && [for replica in google_secret_manager_secret.exchange.replication[0].user_managed[0].replicas : replica.location] == ["europe-north1", "europe-west4"]
    error_message = "messages and the account outlive the first region"
  }
  assert {
    condition     = alltrue([for right in google_project_iam_member.workflows : strcontains(right.condition[0].expression, "locations/europe-west4/workflows/river-example-daily-bid/") && strcontains(right.condition[0].expression, "locations/europe-north1/workflows/river-example-daily-bid/")])
    error_message = "workflows are started and called back in both"
  }
}

run "standing_in" {
  command = plan
  module { source = "./modules/client" }
  variables {
    client = merge(var.client, {
      database_location = "eur3"
      vpc_connector     = "first"
      standby           = { region = "europe-west4", vpc_connector = "second", active = true }
    })
  }
  assert {
    condition     = alltrue([for job in merge(google_cloud_scheduler_job.topic, google_cloud_scheduler_job.workflow) : !job.paused])
    error_message = "the second region's jobs fire; those of the first are not touched"
  }
  assert {
    condition     = google_cloudfunctions2_function.this["solver"].service_config[0].vpc_connector == "first" && google_cloudfunctions2_function.this["standby/solver"].service_config[0].vpc_connector == "second"
    error_message = "each region has its own way out"
  }
}

run "standing_by_a_database_in_one_region" {
  command = plan
  module { source = "./modules/client" }
  variables {
    client = merge(var.client, {
      standby = { region = "europe-west4" }
    })
  }
  expect_failures = [var.client]
}

run "standing_by_where_it_is" {
  command = plan
  module { source = "./modules/client" }
  variables {
    client = merge(var.client, {
      database_location = "eur3"
      standby           = { region = "europe-north1" }
    })
  }
  expect_failures = [var.client]
}

run "standing_by_without_a_way_out" {
  command = plan
  module { source = "./modules/client" }
  variables {
    client = merge(var.client, {
      database_location = "eur3"
      vpc_connector     = "first"
      standby           = { region = "europe-west4" }
    })
  }
  expect_failures = [var.client]
}

run "one_key_in_two_places" {
  command = plan
  module { source = "./modules/client" }
  variables {
    client = merge(var.client, {
      database_location = "eur3"
      kms_key           = "projects/hydrobid-example/locations/europe-north1/keyRings/r/cryptoKeys/k"
    })
  }
  expect_failures = [var.client]
}

run "solves_kept_too_short" {
  command = plan
  module { source = "./modules/client" }
  variables {
    client = merge(var.client, {
      retention = { solves_days = 29 }
    })
  }
  expect_failures = [var.client]
}

run "name_of_another_file" {
  command = plan
  module { source = "./modules/client" }
  variables { name = "lake-example" }
  expect_failures = [var.client]
}

run "id_too_long" {
  command = plan
  module { source = "./modules/client" }
  variables {
    name = "a-client-with-a-name-too-long"
    client = merge(var.client, {
      client = "a-client-with-a-name-too-long"
    })
  }
  expect_failures = [var.name]
}

run "daily_run_that_is_no_time" {
  command = plan
  module { source = "./modules/client" }
  variables {
    client = merge(var.client, {
      stages = { daily_run = "25:00" }
    })
  }
  expect_failures = [var.client]
}

run "daily_run_too_late_for_its_budgets" {
  command = plan
  module { source = "./modules/client" }
  variables {
    client = merge(var.client, {
      stages = { daily_run = "12:30" }
    })
  }
  expect_failures = [google_cloud_scheduler_job.workflow]
}

run "unknown_time_zone" {
  command = plan
  module { source = "./modules/client" }
  variables {
    market = { time_zone = "Oslo time", gate_closure = { local_time = "12:00", days_before = 1 } }
  }
  expect_failures = [var.market]
}

run "call_longer_than_a_workflow_waits" {
  command = plan
  module { source = "./modules/client" }
  variables {
    client = merge(var.client, {
      stages = { solve = { timeout = 1801 } }
    })
  }
  expect_failures = [var.client]
}

run "exchange_in_the_clear" {
  command = plan
  module { source = "./modules/client" }
  variables {
    client = merge(var.client, {
      exchange = { url = "http://exchange.example.com", token_url = "https://sts.example.com/token" }
    })
  }
  expect_failures = [var.client]
}

run "desk_open_to_everybody" {
  command = plan
  module { source = "./modules/client" }
  variables {
    client = merge(var.client, {
      desk = ["allUsers"]
    })
  }
  expect_failures = [var.client]
}
