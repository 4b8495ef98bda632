{{- /*
What a Deployment includes.  Each is given this chart's context: `.Subcharts.payguard` in a chart that depends on it.

  payguard.initContainers     list: folders of plugins are filled, then the gateway where it is a sidecar
  payguard.containers         list: the gateway where it is a plain container
  payguard.container          the gateway alone
  payguard.volumes            list: what those mount
  payguard.backendLifecycle   for the backend's container
  payguard.strategy           of the Deployment; empty where the cluster's default is right
*/ -}}

{{- define "payguard.initContainers" -}}
{{- range .Values.plugins.sources }}
{{- if .image }}
{{- include "payguard.pluginCopy" (dict "source" . "root" $) }}
{{ end }}
{{- end }}
{{- if eq .Values.mode "sidecar" }}
- {{ include "payguard.container" . | indent 2 | trim }}
{{- end }}
{{- end }}

{{- define "payguard.containers" -}}
{{- if eq .Values.mode "container" }}
- {{ include "payguard.container" . | indent 2 | trim }}
{{- end }}
{{- end }}

{{- define "payguard.container" -}}
name: payguard
image: {{ include "payguard.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
command: [payguard, serve, --policy, {{ printf "/etc/payguard/policy/%s" .Values.policy.file | quote }}]
{{- if eq .Values.mode "sidecar" }}
restartPolicy: Always
{{- end }}
env:
  {{- include "payguard.env" . | nindent 2 }}
ports:
  - containerPort: {{ int .Values.listen.data }}
    protocol: TCP
  - containerPort: {{ int .Values.listen.admin }}
    protocol: TCP
startupProbe:
  httpGet: {path: /startupz, port: {{ int .Values.listen.admin }}}
  periodSeconds: 1
  timeoutSeconds: 3
  failureThreshold: 120
readinessProbe:
  httpGet: {path: /readyz, port: {{ int .Values.listen.admin }}}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /livez, port: {{ int .Values.listen.admin }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
lifecycle:
  preStop:
    exec:
      command: [payguard, drain, --admin, {{ include "payguard.loopback" . | quote }}]
securityContext:
  {{- include "payguard.securityContext" . | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  - {name: payguard-policy, mountPath: /etc/payguard/policy, readOnly: true}
  - {name: payguard-data, mountPath: /var/lib/payguard}
  - {name: payguard-tmp, mountPath: /tmp}
  {{- range .Values.plugins.sources }}
  - {name: payguard-plugins-{{ .name }}, mountPath: /etc/payguard/plugins/{{ .name }}, readOnly: true}
  {{- end }}
  {{- range $name, $from := .Values.keyFiles }}
  - {name: {{ include "payguard.keyVolume" $name }}, mountPath: /etc/payguard/keys/{{ $name }}, readOnly: true}
  {{- end }}
  {{- range .Values.secretFolders }}
  - {name: payguard-secret-{{ . }}, mountPath: /etc/payguard/secrets/{{ . }}, readOnly: true}
  {{- end }}
{{- end }}

{{- define "payguard.keyVolume" -}}
payguard-{{ . | lower | replace "_" "-" }}
{{- end }}

{{- define "payguard.loopback" -}}
http://{{ contains ":" .Values.listen.address | ternary "[::1]" "127.0.0.1" }}:{{ int .Values.listen.admin }}
{{- end }}

{{- define "payguard.securityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- /* An initContainer that copies the plugins of an image to where the gateway sees them. */ -}}
{{- define "payguard.pluginCopy" -}}
{{- $folder := printf "/etc/payguard/plugins/%s" .source.name }}
- name: payguard-plugins-{{ .source.name }}
  image: {{ .source.image.reference | quote }}
  imagePullPolicy: {{ .source.image.pullPolicy | default "IfNotPresent" }}
  command: [cp, -R, {{ printf "%s/." (.source.image.folder | default "/plugins") | quote }}, {{ $folder | quote }}]
  securityContext:
    {{- include "payguard.securityContext" .root | nindent 4 }}
  resources:
    requests: {cpu: 10m, memory: 16Mi}
    limits: {memory: 64Mi}
  volumeMounts:
    - {name: payguard-plugins-{{ .source.name }}, mountPath: {{ $folder }}}
{{- end }}

{{- define "payguard.volumes" -}}
- name: payguard-policy
  configMap: {name: {{ include "payguard.policyConfigMap" . | quote }}}
- name: payguard-data
  {{- with include "payguard.dataClaim" . }}
  persistentVolumeClaim: {claimName: {{ . | quote }}}
  {{- else }}
  emptyDir: {}
  {{- end }}
- name: payguard-tmp
  emptyDir: {}
{{- range .Values.plugins.sources }}
- name: payguard-plugins-{{ .name }}
  {{- if .configMap }}
  configMap: {name: {{ .configMap | quote }}}
  {{- else if .volume }}
  {{- toYaml .volume | nindent 2 }}
  {{- else if .imageVolume }}
  image: {reference: {{ .imageVolume.reference | quote }}, pullPolicy: {{ .imageVolume.pullPolicy | default "IfNotPresent" }}}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}
{{- range $name, $from := .Values.keyFiles }}
- name: {{ include "payguard.keyVolume" $name }}
  secret: {secretName: {{ $from.name | quote }}, items: [{key: {{ $from.key | quote }}, path: {{ $from.key | quote }}}]}
{{- end }}
{{- range .Values.secretFolders }}
- name: payguard-secret-{{ . }}
  secret: {secretName: {{ . | quote }}}
{{- end }}
{{- end }}

{{- define "payguard.backendLifecycle" -}}
preStop:
  sleep: {seconds: {{ include "payguard.backendSleep" . }}}
{{- end }}

{{- /* A second pod could not open the first one's SQLite file, or mount its volume. */ -}}
{{- define "payguard.strategy" -}}
{{- if include "payguard.dataClaim" . -}}
type: Recreate
{{- end -}}
{{- end }}
