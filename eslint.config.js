import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';

/** One arrow of the map in ARCHITECTURE.md: what `folder` may import of ours. */
const arrow = (folder, allowed) => ({
  target: `./src/${folder}`,
  from: './src',
  except: [`./${folder}`, ...allowed.map((a) => `./${a}`)],
  message: `src/${folder} may import only: ${allowed.join(', ') || 'nothing of ours'} (see ARCHITECTURE.md)`,
});

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'artifacts', '.cache', 'test/histories'] },
  ...tseslint.configs.strictTypeChecked.map((c) => ({
    ...c,
    files: ['src/**/*.ts', 'test/**/*.ts', '*.ts'],
  })),
  {
    files: ['src/**/*.ts', 'test/**/*.ts', '*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver': { typescript: { project: './tsconfig.json' }, node: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // Adapters are plain objects made by factories; nothing here has a `this` to lose.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'import-x/no-restricted-paths': [
        'error',
        {
          basePath: import.meta.dirname,
          zones: [
            arrow('contracts', []),
            arrow('planning', ['contracts']),
            arrow('workflows', ['contracts', 'planning']),
            arrow('activities', ['contracts', 'planning']),
            arrow('systems', ['contracts']),
            arrow('hosts', ['contracts']),
            arrow('routing', ['contracts']),
            arrow('report', ['contracts']),
            arrow('spec', ['contracts', 'systems', 'hosts', 'routing']),
            arrow('probe', ['contracts', 'systems', 'hosts', 'worker']),
            arrow('client', [
              'contracts',
              'planning',
              'hosts',
              'spec',
              'report',
              'workflows',
              'worker',
              'probe',
            ]),
            arrow('worker', [
              'contracts',
              'activities',
              'systems',
              'hosts',
              'routing',
              'report',
              'spec',
              'workflows',
              'probe',
            ]),
          ],
        },
      ],
    },
  },
  {
    // Workflow code is replayed: nothing in it may read a clock, do I/O or load zod.
    files: ['src/workflows/**/*.ts', 'src/planning/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(node:|zod|pg|pino)', message: 'not in replayed code' }] },
      ],
      'no-restricted-globals': ['error', 'process', 'setInterval'],
    },
  },
);
