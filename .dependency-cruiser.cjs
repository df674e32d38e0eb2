/** Who may import whom: the folders are the architecture, and this is what holds them to it. */
const programs = ['webhook', 'controller', 'sidecar', 'uninstall', 'plugin', 'page'];
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...programs.map((program) => ({
      name: `${program}-imports-no-program`,
      severity: 'error',
      from: { path: `^${program}/` },
      to: { path: `^(${programs.filter((other) => other !== program).join('|')}|test|charts)/` },
    })),
    {
      name: 'lib-imports-only-lib',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(webhook|controller|sidecar|uninstall|plugin|page|certs|test)/' },
    },
    {
      name: 'certs-imports-only-lib',
      severity: 'error',
      from: { path: '^certs/' },
      to: { path: '^(webhook|controller|sidecar|uninstall|plugin|page|test)/' },
    },
    {
      name: 'the-plugin-makes-no-certificates',
      severity: 'error',
      from: { path: '^plugin/' },
      to: { path: '^certs/' },
    },
    {
      name: 'the-page-runs-in-a-browser',
      severity: 'error',
      from: { path: '^(page|lib/page)/' },
      to: { path: '^certs/|node_modules/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'the-page-needs-no-node',
      severity: 'error',
      from: { path: '^(page|lib/page)/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'sidecar-is-light',
      comment: 'a sidecar runs in every EMQX pod',
      severity: 'error',
      from: { path: '^sidecar/' },
      to: { path: 'node_modules/(@kubernetes|express)/' },
    },
    {
      name: 'the-double-knows-no-product',
      comment: 'the EMQX stand-in is written from what EMQX does alone',
      severity: 'error',
      from: { path: '^test/emqx/' },
      to: { path: '^(webhook|controller|sidecar|uninstall|plugin|certs|lib)/' },
    },
    {
      name: 'the-simulation-knows-no-controller',
      comment:
        'the model test is written from what Kubernetes and EMQX do; its adapter alone knows the model',
      severity: 'error',
      from: { path: '^test/model/', pathNot: '^test/model/(adapter|model\\.test)\\.ts$' },
      to: { path: '^(webhook|controller|sidecar|uninstall|plugin|certs)/' },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|out|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
