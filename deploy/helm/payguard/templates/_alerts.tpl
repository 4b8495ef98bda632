{{- /* One alert: `name`, `options` of the values, `expr`, `summary`. */ -}}
{{- define "payguard.alert" -}}
- alert: {{ .name }}
  expr: |
    {{- .expr | nindent 4 }}
  for: {{ .options.for }}
  labels:
    severity: {{ .options.severity }}
  annotations:
    summary: {{ .summary | quote }}
{{- end }}
