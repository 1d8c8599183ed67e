{{ hipaa_mode.destination_groups('care_crm') }}
