{{- define "payguard.env" -}}
- {name: PAYGUARD_HOST, value: {{ .Values.listen.address | quote }}}
- {name: PAYGUARD_PORT, value: {{ int .Values.listen.data | quote }}}
- {name: PAYGUARD_ADMIN_HOST, value: {{ .Values.listen.address | quote }}}
- {name: PAYGUARD_ADMIN_PORT, value: {{ int .Values.listen.admin | quote }}}
- {name: PAYGUARD_DATA_DIR, value: /var/lib/payguard}
- {name: PAYGUARD_DRAIN_DELAY, value: {{ printf "%ds" (int .Values.drainSeconds) | quote }}}
- {name: PAYGUARD_DRAIN_DEADLINE, value: {{ printf "%ds" (int .Values.longestRequestSeconds) | quote }}}
{{- with .Values.plugins.sources }}
{{- $folders := list }}
{{- range . }}{{ $folders = append $folders (printf "/etc/payguard/plugins/%s" .name) }}{{ end }}
- {name: PAYGUARD_PLUGIN_DIRS, value: {{ join ":" $folders | quote }}}
{{- end }}
{{- if .Values.migration.enabled }}
- {name: PAYGUARD_LEDGER_MIGRATE, value: manual}
{{- end }}
{{- include "payguard.databaseEnv" . }}
{{- range $name, $value := .Values.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- range $name, $from := .Values.keyFiles }}
- {name: {{ $name }}, value: {{ printf "file:/etc/payguard/keys/%s/%s" $name $from.key | quote }}}
{{- end }}
{{- range $name, $from := .Values.secrets }}
{{- if not (has $name (list "DATABASE_URL" "DB_PASSWORD")) }}
- {name: {{ $name }}, valueFrom: {secretKeyRef: {name: {{ $from.name | quote }}, key: {{ $from.key | quote }}}}}
{{- end }}
{{- end }}
{{- end }}

{{- define "payguard.databaseEnv" -}}
{{- if eq .Values.database.type "postgresql" }}
{{- with .Values.database }}
{{- if .host }}
- {name: DB_HOST, value: {{ .host | quote }}}
- {name: DB_PORT, value: {{ int .port | quote }}}
- {name: DB_NAME, value: {{ .name | quote }}}
- {name: DB_USER, value: {{ .user | quote }}}
{{- end }}
{{- end }}
{{- range $name, $from := pick .Values.secrets "DATABASE_URL" "DB_PASSWORD" }}
- {name: {{ $name }}, valueFrom: {secretKeyRef: {name: {{ $from.name | quote }}, key: {{ $from.key | quote }}}}}
{{- end }}
{{- end }}
{{- end }}
