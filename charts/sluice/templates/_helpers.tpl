{{/* Common part of all names: the release's name, with the chart's unless it says so already. */}}
{{- define "sluice.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "sluice.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* User name of the controller in admission reviews: what it writes passes. */}}
{{- define "sluice.ownUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "sluice.fullname" . }}-controller
{{- end -}}

{{/* Labels of every object; the argument is a dict of `root` and, for one program's objects, `component`. */}}
{{- define "sluice.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{ include "sluice.selectorLabels" . }}
{{- end -}}

{{- define "sluice.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* What a pod of either program has in common; the argument as above, with `settings` (its values). */}}
{{- define "sluice.podSpec" -}}
serviceAccountName: {{ include "sluice.fullname" .root }}-{{ .component }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .settings.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .settings.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .settings.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .settings.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "sluice.selectorLabels" . | nindent 8 }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{/* The same for its container. */}}
{{- define "sluice.container" -}}
image: {{ include "sluice.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command: [node, /app/{{ .component }}.js]
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
resources: {{- toYaml .settings.resources | nindent 2 }}
livenessProbe:
  httpGet: { path: /healthz, port: health }
  periodSeconds: 10
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: health }
  periodSeconds: 2
  failureThreshold: 2
{{- end -}}

{{/* Environment of both programs. */}}
{{- define "sluice.env" -}}
- name: SLUICE_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
- name: SLUICE_POD
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- { name: SLUICE_LOG_LEVEL, value: {{ .root.Values.logLevel }} }
- { name: SLUICE_HEALTH_PORT, value: "8081" }
{{- if .root.Values.metrics.enabled }}
- { name: SLUICE_METRICS_PORT, value: {{ .root.Values.metrics.port | quote }} }
{{- end }}
- { name: SLUICE_WEBHOOK_TLS_SECRET, value: {{ include "sluice.fullname" .root }}-webhook-tls }
{{- with .root.Values.otel }}
{{- if .endpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .endpoint | quote }} }
{{- with .headersSecret }}
{{- if .name }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom: { secretKeyRef: { name: {{ .name }}, key: {{ .key }} } }
{{- end }}
{{- end }}
{{- with .resourceAttributes }}
- { name: OTEL_RESOURCE_ATTRIBUTES, value: {{ include "sluice.otelAttributes" . | quote }} }
{{- end }}
{{- range $name, $value := .env }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Value of OTEL_RESOURCE_ATTRIBUTES. */}}
{{- define "sluice.otelAttributes" -}}
{{- $pairs := list }}
{{- range $name, $value := . }}
{{- $pairs = append $pairs (printf "%s=%s" $name (urlquery $value | replace "+" "%20")) }}
{{- end }}
{{- join "," $pairs -}}
{{- end -}}

{{/*
What sidecars are told of the receiver, as JSON: it stands in the templates of EMQX's pods. So nothing that may be a secret, and no
file, for they have none of those; and they start without the Secret, too.
*/}}
{{- define "sluice.sidecarOtel" -}}
{{- with .Values.otel }}
{{- $env := list (dict "name" "OTEL_EXPORTER_OTLP_ENDPOINT" "value" .endpoint) }}
{{- with .sidecars.headersSecret }}
{{- if .name }}
{{- $secret := dict "name" .name "key" .key "optional" true }}
{{- $env = append $env (dict "name" "OTEL_EXPORTER_OTLP_HEADERS" "valueFrom" (dict "secretKeyRef" $secret)) }}
{{- end }}
{{- end }}
{{- with .resourceAttributes }}
{{- $env = append $env (dict "name" "OTEL_RESOURCE_ATTRIBUTES" "value" (include "sluice.otelAttributes" .)) }}
{{- end }}
{{- range $name, $value := .env }}
{{- if not (regexMatch "(HEADERS|CERTIFICATE|CLIENT_KEY|CONFIG_FILE)$" $name) }}
{{- $env = append $env (dict "name" $name "value" $value) }}
{{- end }}
{{- end }}
{{- range $env }}
{{- if regexMatch "://[^/?#]*@" (.value | default "") }}
{{- fail (printf "%s must have no user and password in it where otel.sidecars.enabled is true: it stands in the templates of EMQX's pods; use otel.sidecars.headersSecret" .name) }}
{{- end }}
{{- end }}
{{- dict "env" $env | toJson -}}
{{- end }}
{{- end -}}

{{/* Egress to the receiver of traces, and to the cluster's DNS, which nothing else needs. */}}
{{- define "sluice.otelEgress" }}
{{- with .Values.otel.endpoint }}
{{- $url := urlParse . }}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (ternary "443" "80" (eq $url.scheme "https")) }}
- ports:
    - { port: {{ $port }} }
    - { port: 53, protocol: UDP }
    - { port: 53 }
{{- end }}
{{- end -}}

{{/* Schema of the steps of an upgrade, in progress or ended. */}}
{{- define "sluice.stepsSchema" -}}
type: array
x-kubernetes-list-type: atomic
maxItems: 2000
description: >-
  What has been done, in the order in which it began, at most 100 steps of one name while the upgrade goes on, 20 when
  it has ended. The phases cover it without a gap: admission (until the controller begins), creation (of the new
  StatefulSet), readiness (of its nodes), gates (what must hold before the switch), promotion, switch, delay, draining,
  cleanUp; and pause. Beside them, for each node: start, drain, leave (from the EMQX cluster).
items:
  type: object
  required: [name, startedAt]
  properties:
    name:
      type: string
      enum: [admission, creation, readiness, gates, promotion, switch, delay, draining, cleanUp, pause, start, drain, leave]
      description: Which phase, or what happens to a node.
    pod: { type: string, description: "Name of the node's pod; absent of a phase." }
    uid: { type: string, description: Its uid. }
    startedAt: { type: string, format: date-time, description: When it began. }
    endedAt: { type: string, format: date-time, description: When it ended; absent while it goes on. }
    clients: { type: integer, format: int64, description: Clients that a drain had to hand over. }
    sessions: { type: integer, format: int64, description: 'Sessions that it had to, those of disconnected clients included.' }
    states:
      type: array
      x-kubernetes-list-type: atomic
      description: What EMQX's evacuation went through in a drain, under EMQX's own names.
      items:
        type: object
        properties:
          state: { type: string, description: EMQX's name of it. }
          at: { type: string, format: date-time, description: When it was first seen. }
          clients: { type: integer, format: int64, description: Clients left then. }
          sessions: { type: integer, format: int64, description: Sessions left then. }
    sessionsLost: { type: integer, format: int64, description: Sessions that nobody could take. }
    outcome:
      type: string
      enum: [done, drained, gaveUp, timedOut, ended, interrupted]
      description: >-
        How a node's step ended. Of a drain: drained, gaveUp (with sessions left), timedOut (drainTimeoutSeconds had
        passed), or ended (before the node said how). interrupted: the pod went or was to stay, or something else was
        wanted.
{{- end -}}
