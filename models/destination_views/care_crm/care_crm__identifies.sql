{{ hipaa_mode.destination_identifies('care_crm') }}
