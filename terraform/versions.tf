terraform {
  required_version = ">= 1.9"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.7"
    }
  }
  # The state's bucket is given on the command line: terraform init -backend-config=bucket=...
  backend "gcs" {}
}

provider "google" {
  project = var.project
  region  = var.region
}
