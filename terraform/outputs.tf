output "clients" {
  description = "Where each client's parts are."
  value       = { for name, client in module.client : name => client.addresses }
}

output "schedules" {
  description = "When each client's jobs fire, on its market's clock."
  value       = { for name, client in module.client : name => client.schedules }
}

output "deployer" {
  description = "What a delivery pipeline needs to act here without a key; null without a repository."
  value       = module.platform.deployer
}

output "release" {
  description = "What is deployed, enough to deploy it again: where each archive is, and the workflows' texts. region: the platform's."
  value = {
    region    = var.region
    bucket    = module.platform.bucket
    archives  = { for name, archive in module.platform.for_clients.archives : name => archive.object }
    workflows = { for name, text in local.workflows : local.topology.workflows[name].source => text }
  }
}
