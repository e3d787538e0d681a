import {
  applicationYaml,
  type BundleFacts,
  type BundleFiles,
  moduleBody,
  packageJson,
  readme,
  testFile,
} from './bundle-files.js';

/** A bundle in TypeScript: `npm run build` compiles `src/` to `dist/`, which is what runs. */
export function typescriptBundleFiles(facts: BundleFacts): BundleFiles {
  return {
    'package.json': packageJson(facts, {
      files: ['dist', '!dist/*.test.js', 'application.yaml'],
      scripts: {
        build: 'tsc',
        test: 'tsc && node --test dist/*.test.js',
        prepack: 'tsc',
      },
      devDependencies: {
        '@types/node': '>=20',
        portico: `^${facts.porticoVersion}`,
        typescript: '>=5.8',
      },
    }),
    'tsconfig.json': `{
  "compilerOptions": {
    "rootDir": "src",
    "outDir": "dist",
    "module": "nodenext",
    "target": "es2023",
    "lib": ["es2023"],
    "types": ["node"],
    "strict": true,
    "skipLibCheck": true
  },
  "include": ["src"]
}
`,
    'application.yaml': applicationYaml('dist/app.js#appModule'),
    'src/app.ts': `import { type Application, routing } from 'portico';

/** What this application answers. */
export function appModule(application: Application): void {
${moduleBody(facts)}}
`,
    'src/app.test.ts': testFile(),
    'README.md': readme(
      facts,
      'Routes are in `src/app.ts`; `npm run build` compiles them to `dist/`, which is what runs. `application.yaml` names the function that makes them.',
    ),
    '.gitignore': 'node_modules/\ndist/\n*.tgz\n',
  };
}
