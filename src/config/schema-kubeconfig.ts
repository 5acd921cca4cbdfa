/** How an API server is reached, wherever the configuration names one. */

import { z } from 'zod';

/** Plugins that a kubeconfig may need. */
const PLUGINS_MAX = 1000;

export const kubeconfigSchema = z.strictObject({
  path: z.string().min(1).describe('The kubeconfig file, relative to this file.'),
  context: z.string().min(1).optional().describe('The context to use. Default: its current-context.'),
  allowInsecure: z
    .boolean()
    .default(false)
    .describe(
      'Whether its insecure-skip-tls-verify is honoured. Default: false, such a kubeconfig is refused.',
    ),
  execAllowed: z
    .array(z.string().min(1))
    .max(PLUGINS_MAX)
    .default([])
    .describe('Exec credential plugins that may run besides those with an absolute path. Default: none.'),
});

export type KubeconfigEntry = z.output<typeof kubeconfigSchema>;
