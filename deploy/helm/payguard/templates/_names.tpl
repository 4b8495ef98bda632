{{- /* The chart's name is its alias where a chart depends on it twice. */ -}}
{{- define "payguard.fullname" -}}
{{- default (printf "%s-%s" .Release.Name .Chart.Name) .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "payguard.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: payguard
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "payguard.image" -}}
{{- with .Values.image -}}
{{- .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ with .digest }}@{{ . }}{{ end }}
{{- end -}}
{{- end }}

{{- define "payguard.policyConfigMap" -}}
{{- .Values.policy.existingConfigMap | default (printf "%s-policy" (include "payguard.fullname" .)) -}}
{{- end }}

{{- define "payguard.dataClaim" -}}
{{- if .Values.data.existingClaim -}}
{{- .Values.data.existingClaim -}}
{{- else if .Values.data.claim.create -}}
{{- include "payguard.fullname" . }}-data
{{- end -}}
{{- end }}

{{- /*
Seconds that the backend stays after the pod was told to go.  A sidecar stops after it in any case; a plain container
stops taking requests when draining is over, and what it has just taken must still be sent.
*/ -}}
{{- define "payguard.leastSleep" -}}
{{- eq .Values.mode "sidecar" | ternary (int .Values.drainSeconds) (add .Values.drainSeconds 2) -}}
{{- end }}

{{- define "payguard.backendSleep" -}}
{{- int .Values.backend.sleepSeconds | default (include "payguard.leastSleep" .) -}}
{{- end }}
