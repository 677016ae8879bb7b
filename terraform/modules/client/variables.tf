variable "name" {
  description = "The client's id, the name of its file."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,17}[a-z0-9]$", var.name))
    error_message = "The file's name: 3 to 19 lower-case letters, digits and '-', a letter first, no '-' last."
  }
}

variable "client" {
  description = "What the client's file says; see clients/client.schema.json."
  type = object({
    client = string
    market = string
    region = optional(string)
    shard  = optional(string, "main")
    # Of the database alone: a multi-region, as eur3, outlives the loss of a region.
    database_location = optional(string)
    # A second region with the same functions and workflows. active: there they work, where the first is lost.
    standby = optional(object({
      region        = string
      vpc_connector = optional(string)
      active        = optional(bool, false)
    }))
    bids = optional(bool, true)

    # As in the client's configuration: `hydrobid client validate` compares them.
    stages = optional(object({
      daily_run = optional(string, "10:00")
      dispatch  = optional(object({ timeout = optional(number, 120), attempts = optional(number, 3) }), {})
      solve     = optional(object({ timeout = optional(number, 900), attempts = optional(number, 3) }), {})
      aggregate = optional(object({ timeout = optional(number, 60), attempts = optional(number, 5) }), {})
      approve   = optional(object({ timeout = optional(number, 600) }), {})
      submit    = optional(object({ timeout = optional(number, 60), attempts = optional(number, 8) }), {})
      guard     = optional(number, 300)
    }), {})

    exchange = object({
      url       = string
      token_url = string
    })
    rehearsal = optional(bool, false)
    traces    = optional(bool, false)

    solver = optional(object({
      memory        = optional(string, "2Gi")
      cpu           = optional(string, "1")
      max_instances = optional(number, 60)
    }), {})

    # Addresses of its own, beside the platform's.
    alert_emails = optional(list(string), [])
    # The desk's people, as user:name@example.com or group:desk@example.com.
    desk = optional(list(string), [])
    # Who may put files into its buckets, by name as well.
    uploaders = optional(list(string), [])

    retention = optional(object({
      backups_days = optional(number, 30)
      solves_days  = optional(number)
      keep_data    = optional(bool, true)
    }), {})

    vpc_connector = optional(string)
    kms_key       = optional(string)
  })

  validation {
    condition     = var.client.client == var.name
    error_message = "client: ${var.client.client} is not the name of its file, ${var.name}."
  }
  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", var.client.stages.daily_run))
    error_message = "stages.daily_run: a local time as \"10:00\", not ${var.client.stages.daily_run}."
  }
  validation {
    condition = alltrue([
      for stage in [var.client.stages.dispatch, var.client.stages.solve] : stage.timeout >= 1 && stage.timeout <= 1800
    ])
    error_message = "stages.dispatch.timeout, stages.solve.timeout: 1 to 1800 s, what a workflow waits for a call."
  }
  validation {
    condition = alltrue([
      for stage in [var.client.stages.aggregate, var.client.stages.submit] :
      stage.timeout >= 10 && stage.timeout <= 600 && stage.attempts >= 5 && stage.attempts <= 100
    ])
    error_message = "stages.aggregate, stages.submit: timeout 10 to 600 s, what Pub/Sub waits for a push, and 5 to 100 attempts."
  }
  validation {
    condition     = var.client.stages.guard >= 60 && var.client.stages.guard <= 3600
    error_message = "stages.guard: 60 to 3600 s before the gate."
  }
  validation {
    condition     = var.client.retention.backups_days >= 1 && var.client.retention.backups_days <= 98
    error_message = "retention.backups_days: 1 to 98 days."
  }
  validation {
    condition     = alltrue([for days in [var.client.retention.solves_days] : days >= 30 && days <= 3650 if days != null])
    error_message = "retention.solves_days: 30 to 3650 days after its gate, in which a day is looked into; leave it out to keep all."
  }
  validation {
    condition     = var.client.standby == null || try(!strcontains(var.client.database_location, "-"), false)
    error_message = "standby: only with a database_location in several regions, as eur3; a database in one is lost with it."
  }
  validation {
    condition     = try(var.client.standby.region, null) != var.region
    error_message = "standby.region: another than the client's own, ${var.region}."
  }
  validation {
    condition     = var.client.standby == null || (var.client.vpc_connector == null) == (try(var.client.standby.vpc_connector, null) == null)
    error_message = "standby.vpc_connector: one of that region, where and only where the client has a vpc_connector."
  }
  validation {
    condition     = var.client.kms_key == null || var.client.database_location == null
    error_message = "kms_key: a key is in one region, and so are its functions; not with a database_location elsewhere, nor with standby."
  }
  validation {
    condition     = alltrue([for url in values(var.client.exchange) : startswith(url, "https://")])
    error_message = "exchange.url, exchange.token_url: addresses that begin with https://."
  }
  validation {
    condition     = alltrue([for member in concat(var.client.desk, var.client.uploaders) : can(regex("^(user|group|serviceAccount):[^@\\s]+@[^@\\s]+$", member))])
    error_message = "desk, uploaders: people and groups by name, as group:desk@example.com; never everybody."
  }
}

variable "market" {
  description = "The rules of the client's market, from the library's own data."
  type = object({
    time_zone    = string
    gate_closure = object({ local_time = string, days_before = number })
  })

  validation {
    condition     = can(regex("^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$", var.market.time_zone))
    error_message = "time_zone: a zone of the IANA database, as Europe/Oslo, not ${var.market.time_zone}."
  }
}

variable "topology" {
  description = "What a client has in any cloud: the library's bootstrap/topology.yaml."
  type = object({
    functions    = list(string)
    topics       = map(object({ function = string, stage = string, published_by = list(string) }))
    dead_letters = string
    expiring     = optional(list(string), [])
    workflows    = map(object({ source = string, started_by = optional(list(string), []) }))
    buckets      = optional(map(object({ topic = string, read_by = list(string) })), {})
    jobs         = map(object({ workflow = optional(string), topic = optional(string) }))
  })
}

variable "workflows" {
  description = "The text of each workflow, by its name in the topology."
  type        = map(string)
}

variable "project" {
  description = "The project's id and number."
  type        = object({ id = string, number = string })
}

variable "region" {
  description = "Where the client's parts and its database are."
  type        = string
}

variable "platform" {
  description = "What the platform has for every client."
  type = object({
    archives = map(object({ bucket = string, object = string }))
    builder  = string
    # By region.
    repositories = map(string)
    metrics      = map(string)
    channels     = list(string)
  })
}
