{{- /* One alert: `name`, `options` of the values, `expr`, `summary`. */ -}}
{{- define "payguard.alert" -}}
- alert: {{ .name }}
  expr: |
    {{- .expr | nindent 4 }}
  for: {{ .options.for }}
  labels:
    severity: {{ .options.severity | quote }}
  annotations:
    summary: {{ .summary | quote }}
{{- end }}

{{- /*
Payments in a second, of a list: the namespace's matcher, operation, outcomes, time.  An outcome that was never seen since
the gateways started has no series, and a share of nothing is no answer: hence `or 0 *` where it is asked for.
*/ -}}
{{- define "payguard.rate" -}}
sum by (job) (rate(payguard_payments_total{{ printf "{%s,operation=%q,outcome=~%q}[%s]" (index . 0) (index . 1) (index . 2) (index . 3) }}))
{{- end }}
