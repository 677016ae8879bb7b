variable "project" {
  description = "The Google Cloud project that holds the platform and its clients."
  type        = string
}

variable "shard" {
  description = "Which clients are in this project: those whose file names this shard. One state a shard."
  type        = string
  default     = "main"
}

variable "region" {
  description = "Where the platform's bucket lies, and each client that names no region of its own."
  type        = string
  default     = "europe-north1"
}

variable "archives" {
  description = "The release: the folder that `make package` left, or what was kept of an earlier one."
  type        = string
  default     = "../dist"
}

variable "alert_emails" {
  description = "Whom the platform's alert policies write to."
  type        = list(string)
  default     = []
}

variable "repository" {
  description = "The GitHub repository whose main branch may deploy, as owner/name; null for none."
  type        = string
  default     = null
}

variable "budget" {
  description = "The billing account and the monthly amount at which it warns; null for no budget."
  type = object({
    billing_account = string
    amount          = number
    currency        = optional(string, "EUR")
  })
  default = null
}
