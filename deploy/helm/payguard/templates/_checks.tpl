{{- /* Refuses what would start and then lose payments, or never start.  Each with a sentence, all at once. */ -}}
{{- define "payguard.check" -}}
{{- $wrong := concat (include "payguard.wrongStart" . | fromJsonArray) (include "payguard.wrongLedger" . | fromJsonArray) (include "payguard.wrongReach" . | fromJsonArray) (include "payguard.wrongPlugins" . | fromJsonArray) }}
{{- if $wrong }}
{{- fail (printf "\n\nThese values would not do:\n- %s\n" (join "\n- " $wrong)) }}
{{- end }}
{{- end }}

{{- /* Policy, ports and times. */ -}}
{{- define "payguard.wrongStart" -}}
{{- $wrong := list }}
{{- /* Helm asks a dependency's kubeVersion of nobody. */ -}}
{{- if semverCompare "<1.30.0-0" .Capabilities.KubeVersion.Version }}
{{- $wrong = append $wrong (printf "Kubernetes is %s, and would drop the backend's preStop sleep: 1.30 is the oldest that has it." .Capabilities.KubeVersion.Version) }}
{{- end }}
{{- with .Values.policy }}
{{- if and .existingConfigMap .content }}
{{- $wrong = append $wrong "policy.existingConfigMap and policy.content both say what the policy is: keep one of them." }}
{{- else if not (or .existingConfigMap .content) }}
{{- $wrong = append $wrong "There is no policy: name a ConfigMap in policy.existingConfigMap, or give its text as policy.content." }}
{{- end }}
{{- if .subPath }}
{{- $wrong = append $wrong "policy.subPath: a policy that is mounted by subPath never sees an edit of its ConfigMap. It is mounted as a folder; name its key in policy.file." }}
{{- end }}
{{- end }}
{{- range $name, $port := dict "listen.data" .Values.listen.data "listen.admin" .Values.listen.admin "service.port" .Values.service.port "adminService.port" .Values.adminService.port }}
{{- if kindIs "string" $port }}
{{- $wrong = append $wrong (printf "%s is %q: give a number. A Service does not find the port of a sidecar by its name." $name $port) }}
{{- end }}
{{- end }}
{{- if eq (toString .Values.listen.data) (toString .Values.listen.admin) }}
{{- $wrong = append $wrong (printf "listen.data and listen.admin are both %v: clients must not reach the admin port." .Values.listen.data) }}
{{- end }}
{{- $drain := int .Values.drainSeconds }}
{{- $sleep := int .Values.backend.sleepSeconds | default $drain }}
{{- $least := include "payguard.leastSleep" . | int }}
{{- if lt (include "payguard.backendSleep" . | int) $least }}
{{- $wrong = append $wrong (printf "backend.sleepSeconds is %d and drainSeconds %d: the backend would stop while the gateway still takes requests for it. In mode %s it sleeps for %d seconds or more." $sleep $drain .Values.mode $least) }}
{{- end }}
{{- $needed := add (max $drain $sleep) (int .Values.longestRequestSeconds) 10 }}
{{- if lt (int .Values.workload.terminationGracePeriodSeconds) (int $needed) }}
{{- $wrong = append $wrong (printf "workload.terminationGracePeriodSeconds is %d: draining (%d), the longest request (%d) and ten seconds to close take %d, and what takes longer is killed in the middle of a payment." (int .Values.workload.terminationGracePeriodSeconds) (max $drain $sleep) (int .Values.longestRequestSeconds) (int $needed)) }}
{{- end }}
{{- toJson $wrong }}
{{- end }}

{{- /* The database, and what must be the same in every pod that uses it. */ -}}
{{- define "payguard.wrongLedger" -}}
{{- $wrong := list }}
{{- $most := .Values.autoscaling.enabled | ternary .Values.autoscaling.maxReplicas .Values.workload.replicas | int }}
{{- $url := hasKey .Values.secrets "DATABASE_URL" }}
{{- if eq .Values.database.type "sqlite" }}
{{- if gt $most 1 }}
{{- $wrong = append $wrong (printf "database.type is sqlite and there may be %d pods: SQLite's file belongs to one gateway. Use postgresql, or one replica and no autoscaling." $most) }}
{{- end }}
{{- if not (include "payguard.dataClaim" .) }}
{{- $wrong = append $wrong "database.type is sqlite without a persistent volume: the payments would be forgotten with the pod. Name one in data.existingClaim, or set data.claim.create." }}
{{- end }}
{{- if or $url .Values.database.host (hasKey .Values.secrets "DB_PASSWORD") }}
{{- $wrong = append $wrong "database.type is sqlite, and a PostgreSQL server is named: set database.type to postgresql, or take away database.host, secrets.DATABASE_URL and secrets.DB_PASSWORD." }}
{{- end }}
{{- if .Values.migration.enabled }}
{{- $wrong = append $wrong "migration.enabled is for postgresql: a SQLite file is migrated by the gateway that it belongs to." }}
{{- end }}
{{- else }}
{{- $pieces := or .Values.database.host .Values.database.name .Values.database.user (hasKey .Values.secrets "DB_PASSWORD") }}
{{- if eq $url (not (empty $pieces)) }}
{{- $wrong = append $wrong "database.type is postgresql: name the server either by secrets.DATABASE_URL, or by database.host, database.name, database.user and secrets.DB_PASSWORD." }}
{{- end }}
{{- if and $pieces (not (and .Values.database.host .Values.database.name .Values.database.user)) (not $url) }}
{{- $wrong = append $wrong "database.host, database.name and database.user are needed together." }}
{{- end }}
{{- if not (or (hasKey .Values.secrets "HASH_SALT") (hasKey .Values.keyFiles "HASH_SALT")) }}
{{- $wrong = append $wrong "secrets.HASH_SALT is missing: each pod would make a salt of its own, and none would recognise what another has recorded." }}
{{- end }}
{{- if and (include "payguard.dataClaim" .) (gt $most 1) }}
{{- $wrong = append $wrong (printf "%s is one folder for several pods, and each needs its own: with postgresql leave it out." (empty .Values.data.existingClaim | ternary "data.claim.create" "data.existingClaim")) }}
{{- end }}
{{- end }}
{{- toJson $wrong }}
{{- end }}

{{- /* Who reaches what. */ -}}
{{- define "payguard.wrongReach" -}}
{{- $wrong := list }}
{{- $token := or (hasKey .Values.secrets "PAYGUARD_ADMIN_TOKEN_READ") (hasKey .Values.secrets "PAYGUARD_ADMIN_TOKEN_OPERATE") }}
{{- if and .Values.adminService.enabled (not $token) }}
{{- $wrong = append $wrong "adminService.enabled makes the admin port reachable beyond the pod, and there is no token: give secrets.PAYGUARD_ADMIN_TOKEN_READ or secrets.PAYGUARD_ADMIN_TOKEN_OPERATE." }}
{{- end }}
{{- range $name, $on := dict "podMonitor" .Values.podMonitor.enabled "adminService" .Values.adminService.enabled }}
{{- if and $on $.Values.networkPolicy.enabled (not $.Values.networkPolicy.admin) }}
{{- $wrong = append $wrong (printf "%s.enabled is for those who ask at the admin port, and networkPolicy.admin lets nobody reach it: name there who may." $name) }}
{{- end }}
{{- end }}
{{- $selects := list }}
{{- range $name, $on := dict "service" .Values.service.enabled "adminService" .Values.adminService.enabled "networkPolicy" .Values.networkPolicy.enabled "podDisruptionBudget" .Values.podDisruptionBudget.enabled "podMonitor" .Values.podMonitor.enabled }}
{{- if $on }}{{ $selects = append $selects $name }}{{ end }}
{{- end }}
{{- if and $selects (not .Values.workload.selector) }}
{{- $wrong = append $wrong (printf "workload.selector is empty: %s would select every pod of the namespace, or none." (join ", " $selects)) }}
{{- end }}
{{- if and .Values.autoscaling.enabled (not .Values.workload.name) }}
{{- $wrong = append $wrong "workload.name is empty: autoscaling needs to know what to scale." }}
{{- end }}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) }}
{{- $wrong = append $wrong (printf "autoscaling.minReplicas is %d and autoscaling.maxReplicas %d: no number of pods is both." (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) }}
{{- end }}
{{- if and .Values.podMonitor.enabled (has (lower (default "" .Values.settings.MONITORING_ENABLED)) (list "false" "0" "no" "off")) }}
{{- $wrong = append $wrong "podMonitor.enabled is for metrics, and settings.MONITORING_ENABLED says that there are none." }}
{{- end }}
{{- if ne (hasKey .Values.settings "PAYGUARD_TLS_CERTIFICATE") (hasKey .Values.settings "PAYGUARD_TLS_KEY") }}
{{- $wrong = append $wrong "settings.PAYGUARD_TLS_CERTIFICATE and settings.PAYGUARD_TLS_KEY are given together or not at all." }}
{{- end }}
{{- range $name, $from := .Values.secrets }}
{{- $own := or (hasPrefix "PAYGUARD_" $name) (has $name (list "DB_HOST" "DB_PORT" "DB_NAME" "DB_USER")) }}
{{- if and $own (not (has $name (list "PAYGUARD_ADMIN_TOKEN_READ" "PAYGUARD_ADMIN_TOKEN_OPERATE"))) }}
{{- $wrong = append $wrong (printf "secrets.%s is no secret of the gateway's, and what it says could not be checked here: use the value of this chart that is for it, or settings." $name) }}
{{- end }}
{{- end }}
{{- range $name, $from := .Values.keyFiles }}
{{- if hasKey $.Values.secrets $name }}
{{- $wrong = append $wrong (printf "%s is both in keyFiles and in secrets: keep one of them." $name) }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- if contains "HEADERS" $name }}
{{- $wrong = append $wrong (printf "settings.%s may hold a secret: refer to one in secrets." $name) }}
{{- end }}
{{- if hasKey $.Values.secrets $name }}
{{- $wrong = append $wrong (printf "%s is both in settings and in secrets: keep one of them." $name) }}
{{- end }}
{{- end }}
{{- toJson $wrong }}
{{- end }}

{{- define "payguard.wrongPlugins" -}}
{{- $wrong := list }}
{{- $names := list }}
{{- range .Values.plugins.sources }}
{{- if has .name $names }}
{{- $wrong = append $wrong (printf "Two of plugins.sources are called %s: rename one." .name) }}
{{- end }}
{{- $names = append $names .name }}
{{- if and .imageVolume (semverCompare "<1.35.0-0" $.Capabilities.KubeVersion.Version) }}
{{- $wrong = append $wrong (printf "plugins.sources %s is an image volume, which clusters have from Kubernetes 1.35 on, and this is %s: use image instead, which copies it." .name $.Capabilities.KubeVersion.Version) }}
{{- end }}
{{- end }}
{{- toJson $wrong }}
{{- end }}
