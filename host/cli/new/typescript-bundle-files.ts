import {
  applicationYaml,
  type BundleFacts,
  type BundleFiles,
  jsonText,
  readme,
  testFile,
} from './bundle-files.js';

/** A bundle in TypeScript: `npm run build` compiles `src/` to `dist/`, which is what runs. */
export function typescriptBundleFiles(facts: BundleFacts): BundleFiles {
  return {
    'package.json': jsonText({
      name: facts.packageName,
      version: '0.1.0',
      private: true,
      type: 'module',
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
  routing(application, (route) => {
    route.get('/', (call) => call.respondText('Hello from ${facts.title}\\n'));
    route.get('/greetings/{name}', (call) => ({ greeting: \`Hello, \${call.parameters.name}\` }));
  });
}
`,
    'src/app.test.ts': testFile(),
    'README.md': readme(facts, {
      run: 'portico run -port=8080',
      about:
        'Routes are in `src/app.ts`; `npm run build` compiles them to `dist/`, which is what runs. `application.yaml` names the function that makes them.',
      pack: 'npm pack',
    }),
    '.gitignore': 'node_modules/\ndist/\n*.tgz\n',
  };
}
