"""Tests of real dbt builds, in temporary copies of the project."""
