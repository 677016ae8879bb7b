# The platform, and one client for each file in clients/. What a client has, and what it is called,
# is read from the library's own declaration, the one that the local cloud is started from.
locals {
  library  = "${path.module}/../shared/hydrobid"
  topology = yamldecode(file("${local.library}/bootstrap/topology.yaml"))
  markets = {
    for file in fileset("${local.library}/schema/markets", "*.yaml") :
    trimsuffix(file, ".yaml") => yamldecode(file("${local.library}/schema/markets/${file}"))
  }
  workflows = {
    for name, workflow in local.topology.workflows :
    name => file("${var.archives}/workflows/${workflow.source}")
  }
  manifest = jsondecode(file("${var.archives}/manifest.json"))
  files = {
    for file in fileset("${path.module}/clients", "*.yaml") :
    trimsuffix(file, ".yaml") => yamldecode(file("${path.module}/clients/${file}"))
  }
  clients = { for name, client in local.files : name => client if try(client.shard, "main") == var.shard }
}

module "platform" {
  source       = "./modules/platform"
  project      = var.project
  region       = var.region
  regions      = toset(flatten([for client in local.clients : compact([try(client.region, null), try(client.standby.region, null)])]))
  archives     = { for name in local.topology.functions : name => "${var.archives}/${local.manifest[name].file}" }
  alert_emails = var.alert_emails
  repository   = var.repository
  budget       = var.budget
}

module "client" {
  source   = "./modules/client"
  for_each = local.clients

  name      = each.key
  client    = each.value
  market    = local.markets[each.value.market]
  topology  = local.topology
  workflows = local.workflows
  project   = module.platform.project
  region    = coalesce(try(each.value.region, null), var.region)
  platform  = module.platform.for_clients
}
