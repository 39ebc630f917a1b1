/**
 * People of the organisation, so that a key of the floor has somebody to belong to. A name is in the list
 * alone: answers to POST are kept for their replay, and what is kept holds no personal data.
 */
import { z } from 'zod';
import { createPerson } from '../commands/organisation';
import { madePersonSchema, newPersonSchema, personSchema } from '../contracts/organisation';
import { listPersons } from '../db/person.repo';
import { administratorOf, requireWholeOrganisation, timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor } from './pagination';
import { defineRoute, type Route } from './route';

const tag = 'Organisation';

export const personRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/persons',
    operationId: 'listPersons',
    summary: 'List people',
    tag,
    scope: 'admin',
    merchant: 'organisation',
    query: z.strictObject(pageQuery),
    answers: { 200: pageOf(personSchema) },
    handler: async ({ caller, transaction, query: { limit, cursor } }) => {
      requireWholeOrganisation(caller);
      const after = readCursor('persons', z.uuid(), cursor);
      const rows = await transaction((tx) => listPersons(tx, caller.organisationId, after, limit + 1));
      const itemOf = ({ created_at: createdAt, ...row }: (typeof rows)[number]) => ({
        ...row,
        createdAt: timeOf(createdAt),
      });
      return { body: page('persons', rows, limit, (row) => row.id, itemOf) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/persons',
    operationId: 'createPerson',
    summary: 'Add a person',
    description: 'Whoever works on the floor: name them in a key with scope `floor`, or in each scan.',
    tag,
    scope: 'admin',
    merchant: 'organisation',
    body: newPersonSchema,
    answers: { 201: madePersonSchema },
    handler: (context) => {
      requireWholeOrganisation(context.caller);
      return context.commit(async (tx) => {
        const {
          id,
          role,
          created_at: createdAt,
        } = await createPerson(tx, context.body, administratorOf(context));
        return { status: 201, body: { id, role, createdAt: timeOf(createdAt) } };
      });
    },
  }),
];
