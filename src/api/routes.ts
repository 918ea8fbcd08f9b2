import {
  changeCredential,
  createCredential,
  getCredential,
  listCredentials,
  removeCredential,
  testCredential,
} from './credentials.ts'
import { createKey, getKey, listKeys, removeKey, revokeKey } from './keys.ts'
import { changeModel, createModel, getModel, listModels, removeModel } from './models.ts'
import {
  archiveProject,
  changeProject,
  createProject,
  getProject,
  listProjects,
  makeDefaultProject,
  restoreProject,
} from './projects.ts'
import { changeProvider, createProvider, getProvider, listProviders, removeProvider } from './providers.ts'
import { rotateCredentials } from './rotation.ts'
import type { Route } from './route.ts'
import { getHealth, getMe, listCredentialKinds } from './server.ts'
import { changeSettings, getSettings } from './settings.ts'

/** The table of contents of the whole API; its document is made from it. */
export const routes: readonly Route[] = [
  listProjects,
  createProject,
  getProject,
  changeProject,
  archiveProject,
  restoreProject,
  makeDefaultProject,

  listProviders,
  createProvider,
  getProvider,
  changeProvider,
  removeProvider,

  listModels,
  createModel,
  getModel,
  changeModel,
  removeModel,

  listCredentials,
  createCredential,
  getCredential,
  changeCredential,
  removeCredential,
  testCredential,
  rotateCredentials,
  listCredentialKinds,

  listKeys,
  createKey,
  getKey,
  revokeKey,
  removeKey,

  getSettings,
  changeSettings,

  getHealth,
  getMe,
]
