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
