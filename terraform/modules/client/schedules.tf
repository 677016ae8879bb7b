# When the jobs fire follows from the market's gate and the stage budgets, as in the library
# (bootstrap/schedule.py); a test compares the two.
locals {
  gate       = var.market.gate_closure.local_time
  gate_hours = tonumber(split(":", local.gate)[0])
  gate_at    = local.gate_hours * 3600 + tonumber(split(":", local.gate)[1]) * 60
  last_look  = 300
  first_hour = floor(((local.gate_at - local.stages.guard + 86400) % 86400) / 3600)
  last_hour  = floor(((local.gate_at + local.last_look) % 86400) / 3600)
  run        = [for part in split(":", local.stages.daily_run) : tonumber(part)]
  guard_hours = (
    local.first_hour == local.last_hour ? tostring(local.first_hour)
    : local.first_hour < local.last_hour ? "${local.first_hour}-${local.last_hour}"
    : "${local.first_hour}-23,0-${local.last_hour}"
  )
  schedules = {
    daily-run = "${local.run[1]} ${local.run[0]} * * *"
    guard     = "* ${local.guard_hours} * * *"
    alerts    = "*/5 * * * *"
    results   = "*/5 * * * *"
    benchmark = "30 3 * * *"
  }

  # Those of the region that stands by are paused until it is active. The others stay as they are then:
  # nothing of a lost region is touched, and a tick that comes twice changes nothing.
  jobs = merge([
    for site, at in local.sites : {
      for name, job in var.topology.jobs : "${site}${name}" => merge(job, {
        job = name, site = site, region = at.region, waits = !contains(["", local.active], site)
      })
    }
  ]...)

  # What each job says. A tick names its client; the handler takes the day from the time.
  messages = {
    guard   = { client = var.name }
    alerts  = { client = var.name, sweep = "alerts" }
    results = { client = var.name }
  }
}

resource "google_cloud_scheduler_job" "workflow" {
  for_each         = { for key, job in local.jobs : key => job if job.workflow != null }
  project          = var.project.id
  region           = each.value.region
  name             = "${var.name}-${each.value.job}"
  schedule         = local.schedules[each.value.job]
  time_zone        = var.market.time_zone
  paused           = !var.client.bids || each.value.waits
  attempt_deadline = "60s"

  retry_config {
    retry_count          = 5
    min_backoff_duration = "5s"
    max_backoff_duration = "60s"
  }
  http_target {
    http_method = "POST"
    uri         = "https://workflowexecutions.googleapis.com/v1/${google_workflows_workflow.this["${each.value.site}${each.value.workflow}"].id}/executions"
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode(jsonencode({ argument = jsonencode({ client = var.name }) }))
    oauth_token {
      service_account_email = google_service_account.invoker.email
    }
  }

  lifecycle {
    precondition {
      condition     = local.run[0] * 3600 + local.run[1] * 60 < local.gate_at
      error_message = "stages.daily_run: ${local.stages.daily_run} is not before the gate closes at ${local.gate}."
    }
  }
}

resource "google_cloud_scheduler_job" "topic" {
  for_each  = { for key, job in local.jobs : key => job if job.topic != null }
  project   = var.project.id
  region    = each.value.region
  name      = "${var.name}-${each.value.job}"
  schedule  = local.schedules[each.value.job]
  time_zone = var.market.time_zone
  # No auction clears in a rehearsal: its results would only ever be overdue.
  paused = !var.client.bids || each.value.waits || (each.value.job == "results" && var.client.rehearsal)

  retry_config {
    retry_count          = 3
    min_backoff_duration = "5s"
    max_backoff_duration = "20s"
  }
  pubsub_target {
    topic_name = google_pubsub_topic.this[each.value.topic].id
    data       = base64encode(jsonencode(local.messages[each.value.job]))
  }
}
