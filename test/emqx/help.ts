/** What `--help` prints: the variables that are EMQX's own, then the stand-in's, most of them unkind habits. */
export const help = `EMQX stand-in: several of these form one cluster, as the nodes of EMQX do.

Variables of EMQX:
  EMQX_NODE_NAME, EMQX_NODE__NAME         node name (name@host); else EMQX_NAME (emqx) @ EMQX_HOST (this host's IPv4)
  EMQX_NODE__COOKIE                       emqx50elixir
  EMQX_NODE__DATA_DIR                     /opt/emqx/data
  EMQX_NODE__DIST_NET_TICKTIME            120 s; after that much silence another node counts as down
  EMQX_CLUSTER__DISCOVERY_STRATEGY        manual (default), singleton, static, dns
  EMQX_CLUSTER__STATIC__SEEDS             names, separated by commas
  EMQX_CLUSTER__DNS__NAME                 of the headless Service
  EMQX_CLUSTER__DNS__RECORD_TYPE          a (default; node names must then end in the pod's IP), aaaa, srv
  EMQX_CLUSTER__AUTOCLEAN                 24h; stopped nodes are forgotten after that
  EMQX_CLUSTER__NAME                      emqxcl
  EMQX_API_KEY__BOOTSTRAP_FILE            key:secret[:role] a line; the path may be in double quotes
  EMQX_DASHBOARD__DEFAULT_USERNAME, EMQX_DASHBOARD__DEFAULT_PASSWORD   admin, public
  EMQX_PROMETHEUS__ENABLE_BASIC_AUTH      false; true: GET /prometheus/stats wants a key
  EMQX_LISTENERS__TCP__DEFAULT__BIND      1883
  EMQX_DASHBOARD__LISTENERS__HTTP__BIND   18083
  EMQX_MQTT__SESSION_EXPIRY_INTERVAL      2h; sessions of MQTT 3.1.1 clients
  EMQX_MQTT__MAX_INFLIGHT, EMQX_MQTT__MAX_MQUEUE_LEN   32, 1000
  EMQX_LICENSE__KEY                       from 5.9.0 on; without it other nodes are refused

With a STANDIN_VERSION of 4.4 the node is EMQX 4.4 Enterprise, and these take the place of those above:
  EMQX_NODE__COOKIE                       emqxsecretcookie; nodes of EMQX 4 and 5 share no cluster
  EMQX_NAME                               this host's name
  EMQX_CLUSTER__DISCOVERY                 manual (default), singleton, static, dns
  EMQX_CLUSTER__DNS__TYPE                 a (default), aaaa, srv
  EMQX_CLUSTER__AUTOCLEAN                 5m
  EMQX_MANAGEMENT__BOOTSTRAP_APPS_FILE    id:secret a line
  EMQX_MANAGEMENT__DEFAULT_APPLICATION__ID, EMQX_MANAGEMENT__DEFAULT_APPLICATION__SECRET   admin, public
  EMQX_LISTENER__TCP__EXTERNAL            1883
  EMQX_MANAGEMENT__LISTENER__HTTP         8081; /api/v4 and /status
  EMQX_DASHBOARD__LISTENER__HTTP          18083; pages only
  EMQX_ZONE__EXTERNAL__SESSION_EXPIRY_INTERVAL, EMQX_ZONE__EXTERNAL__MAX_INFLIGHT, EMQX_ZONE__EXTERNAL__MAX_MQUEUE_LEN

Ports of EMQX: 1883 MQTT, 18083 API (EMQX 4: 8081), 4370 and 5369 between nodes (on the address of the node name when it is a loopback one).

Variables of the stand-in:
  STANDIN_VERSION                  5.8.8; what a release has and has not follows from it: API v4 of 4.4, no wait_health_check
                                   in 5.0, no start with a leftover .evacuation before 5.7.0, a licence for one node from 5.9.0
  STANDIN_EDITION                  Enterprise (default), Opensource
  STANDIN_BIND                     address for all ports
  STANDIN_STATS_PORT               18099; GET /evictions, /connects, /switches and /; PUT /switches
  STANDIN_TIME_SCALE               1; multiplies every wait below and those of an evacuation
  STANDIN_BOOT_MS                  4500; from the start of the process to its ports open (slow boot)
  STANDIN_JOIN_MS                  2000; time in which a joining node has no MQTT and no API
  STANDIN_STOP_MS                  4000; from SIGTERM to the end
  STANDIN_DISCOVERY_DELAY_MS       3000; at most, by chance, from Ready to the first look for others: Ready comes before joined
  STANDIN_DISCOVERY_RETRY_MS       5000
  STANDIN_NO_RECIPIENT_RETRY_MS    30000; evicting_sessions with nowhere to go
  STANDIN_SESSION_MOVE_MS          2; what moving one session takes at least: a client that returns meanwhile is kicked
  STANDIN_STAY_ALONE=true          never joins, and logs nothing
  STANDIN_SINGLE_NODE_LICENCE=true refuses every join, joins nobody, does not start again in a cluster; GET /license: community
  STANDIN_LINGERING_NAME           refuse (default): a new node under a name that is listed as stopped is already_in_cluster until
                                   force_leave; admit: it may join, as EMQX mostly lets it

Unkind habits that a running node takes on or drops through PUT /switches (name in brackets):
  STANDIN_API                      up, hang, error, down: EMQX's API, and /status with down [api]
  STANDIN_STATUS_DELAY_MS          slow GET /load_rebalance/status [statusDelayMs]
  STANDIN_OMIT_FROM_GLOBAL_STATUS  left out of global_status [isOmittedFromGlobalStatus]
  STANDIN_ISOLATED                 cut off from the other nodes: seen as stopped, while it runs [isIsolated]
  STANDIN_NO_EVACUATION            build without evacuation: load_rebalance is 404 [hasNoEvacuation]
  STANDIN_DURABLE                  durable sessions: counted across the cluster, never moved [isDurable]
  STANDIN_REFUSE_KEYS              every API key is wrong [refusesKeys]
  STANDIN_PURGING                  a foreign purge runs: GET /load_rebalance/status has process purge, starts are refused [isPurging]

Somebody else's evacuation or rebalance is started over REST: POST /load_rebalance/{node}/evacuation/start, or
/load_rebalance/{node}/start with its thresholds; status has process rebalance at its donors, global_status lists it.

These habits have no switch, they follow from the model: the join drops whoever is connected; a join whose partner stops
leaves the node without MQTT and API; evictions come in bursts, one a second; the sessions of a killed node are gone; a node
with .evacuation in its data directory comes up refusing clients, and before 5.7.0 does not come up.
`;
