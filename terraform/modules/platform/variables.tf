variable "project" {
  description = "The project's id."
  type        = string
}

variable "region" {
  description = "Where the bucket of archives lies."
  type        = string
}

variable "regions" {
  description = "Where else the clients' functions are."
  type        = set(string)
  default     = []
}

variable "archives" {
  description = "Path of each function's archive, named by its content."
  type        = map(string)
}

variable "alert_emails" {
  description = "Whom alert policies write to."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "alert_emails: addresses, as desk@example.com."
  }
}

variable "repository" {
  description = "The GitHub repository whose main branch may deploy, as owner/name; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.repository == null || can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository: owner/name, as example/hydrobid."
  }
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
