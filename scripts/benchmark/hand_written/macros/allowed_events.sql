{#- The events that destinations may receive. -#}
{% macro allowed_events() -%}
    'Appointment Booked',
    'Appointment Rescheduled',
    'Appointment Cancelled',
    'Prescription Refilled',
    'Site Searched',
    'Symptom Checker Submitted',
    'Message Sent',
    'Bill Paid',
    'Insurance Plan Changed',
    'Provider Searched',
    'Provider Viewed',
    'Video Visit Started',
    'Video Visit Ended',
    'Newsletter Signed Up',
    'Lab Result Viewed',
    'Order Completed',
    'Signed In',
    'Account Created'
{%- endmacro %}
