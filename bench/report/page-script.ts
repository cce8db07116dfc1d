/**
 * The script of the page as text: the modules in browser/ one after the other, without their types, imports and exports. They
 * have distinct names for everything, so that nothing more of a bundler is needed.
 */
import { readFile } from 'node:fs/promises';
import ts from 'typescript';

/** A module comes after those that it imports. */
const MODULES = ['chart', 'bubbles', 'line-chart', 'bar-chart', 'page-script'];

export async function pageScript(): Promise<string> {
  const texts = await Promise.all(
    MODULES.map((name) => readFile(new URL(`./browser/${name}.ts`, import.meta.url), 'utf8')),
  );
  return ['(() => {', "'use strict';", ...texts.map(withoutModule), '})();'].join('\n');
}

function withoutModule(text: string): string {
  return ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      removeComments: true,
    },
    transformers: { after: [dropModuleSyntax] },
  }).outputText;
}

/** Of what the compiler leaves: imports of values, and `export` before a declaration. */
const dropModuleSyntax: ts.TransformerFactory<ts.SourceFile> = (context) => (file) => {
  const statements = file.statements
    .filter((statement) => !ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement))
    .map((statement) => withoutExport(statement, context.factory));
  return context.factory.updateSourceFile(file, statements);
};

function withoutExport(statement: ts.Statement, factory: ts.NodeFactory): ts.Statement {
  if (ts.isFunctionDeclaration(statement)) {
    const { asteriskToken, name, typeParameters, parameters, type, body } = statement;
    return factory.updateFunctionDeclaration(
      statement,
      statement.modifiers?.filter((modifier) => modifier.kind !== ts.SyntaxKind.ExportKeyword),
      asteriskToken,
      name,
      typeParameters,
      parameters,
      type,
      body,
    );
  }
  if (ts.isVariableStatement(statement)) {
    return factory.updateVariableStatement(statement, [], statement.declarationList);
  }
  return statement;
}
