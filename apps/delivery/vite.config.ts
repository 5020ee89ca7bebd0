import { defineConfig } from 'vite';
import { face } from '@getit/ui/vite';

export default defineConfig(face());
