{{ hipaa_mode.destination_groups_latest('care_crm') }}
