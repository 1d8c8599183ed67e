{{ hipaa_mode.withheld_calls_masked('groups') }}
