/** The variables of EMQX that the stand-in obeys, under the names that a major version has for them. */
export interface Variables {
  readonly discovery: string;
  readonly dnsRecord: string;
  readonly mqttBind: string;
  readonly apiBind: string;
  /** Where the dashboard is another port than the API's. */
  readonly dashboardBind: string | undefined;
  readonly bootstrapFile: string;
  readonly sessionExpiry: string;
  readonly maxInflight: string;
  readonly maxQueue: string;
}

/** @see EMQX: emqx_conf_schema.erl */
export const v5Variables: Variables = {
  discovery: 'EMQX_CLUSTER__DISCOVERY_STRATEGY',
  dnsRecord: 'EMQX_CLUSTER__DNS__RECORD_TYPE',
  mqttBind: 'EMQX_LISTENERS__TCP__DEFAULT__BIND',
  apiBind: 'EMQX_DASHBOARD__LISTENERS__HTTP__BIND',
  dashboardBind: undefined,
  bootstrapFile: 'EMQX_API_KEY__BOOTSTRAP_FILE',
  sessionExpiry: 'EMQX_MQTT__SESSION_EXPIRY_INTERVAL',
  maxInflight: 'EMQX_MQTT__MAX_INFLIGHT',
  maxQueue: 'EMQX_MQTT__MAX_MQUEUE_LEN',
};

/** @see EMQX, branch main-v4.4: etc/emqx.conf */
export const v4Variables: Variables = {
  discovery: 'EMQX_CLUSTER__DISCOVERY',
  dnsRecord: 'EMQX_CLUSTER__DNS__TYPE',
  mqttBind: 'EMQX_LISTENER__TCP__EXTERNAL',
  apiBind: 'EMQX_MANAGEMENT__LISTENER__HTTP',
  dashboardBind: 'EMQX_DASHBOARD__LISTENER__HTTP',
  bootstrapFile: 'EMQX_MANAGEMENT__BOOTSTRAP_APPS_FILE',
  sessionExpiry: 'EMQX_ZONE__EXTERNAL__SESSION_EXPIRY_INTERVAL',
  maxInflight: 'EMQX_ZONE__EXTERNAL__MAX_INFLIGHT',
  maxQueue: 'EMQX_ZONE__EXTERNAL__MAX_MQUEUE_LEN',
};
