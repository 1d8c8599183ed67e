"""Tests without dbt: functions and the modules around them."""
