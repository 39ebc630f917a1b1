/** The routes of addresses; `address-check.ts` says what passes. */
import type { Express, Request, Response } from 'express';
import { newAddress, problemsOf, verifiedForm } from './address-check';
import { missing, notFound, refuse } from './errors';
import { listPage } from './lists';
import type { AddressRecord } from './records';
import type { State } from './state';
import { addressView } from './views';

export function addressRoutes(app: Express, state: State): void {
  app.post('/v2/addresses', (req, res) => {
    const address = newAddress(state, req.body?.address);
    if (address === null) return missing(res, 'address');
    const { verify, verify_strict: strict, verify_carrier: carrier } = req.body;
    if (!asked(verify) && !asked(strict)) {
      return void res.status(201).json(addressView(state.save('address', address)));
    }
    if (asked(strict) && problemsOf(address).length > 0) return verificationFailed(res, address);
    res.status(201).json(addressView(state.save('address', verified(address, carrier))));
  });

  app.post('/v2/addresses/create_and_verify', (req, res) => {
    const address = newAddress(state, req.body?.address);
    if (address === null) return missing(res, 'address');
    const carrier: unknown = req.body.verify_carrier;
    if (carrier === undefined && problemsOf(address).length > 0) return verificationFailed(res, address);
    res.json({ address: addressView(state.save('address', verified(address, carrier))) });
  });

  app.get('/v2/addresses', (req, res) => {
    res.json(listPage(req, 'addresses', state.all('address'), addressView));
  });

  app.get('/v2/addresses/:id', (req, res) =>
    withAddress(req, res, (address) => void res.json(addressView(address))),
  );

  app.get('/v2/addresses/:id/verify', (req, res) =>
    withAddress(req, res, (address) => {
      if (problemsOf(address).length > 0) return verificationFailed(res, address);
      res.json({ address: addressView(verifiedForm(address)) });
    }),
  );

  function withAddress(req: Request, res: Response, act: (address: AddressRecord) => void): void {
    const address = state.find('address', String(req.params['id']));
    if (address === undefined) notFound(res);
    else act(address);
  }
}

function asked(verify: unknown): boolean {
  return verify !== undefined && verify !== false && verify !== null;
}

/** With a carrier named, EasyPost calls the check a success and lists the problems all the same. */
function verified(address: AddressRecord, carrier: unknown): AddressRecord {
  const passes = problemsOf(address).length === 0;
  if (typeof carrier === 'string') {
    const verifiedBy = carrier.toLowerCase();
    return { ...verifiedForm(address), verified: passes ? 'passed' : 'carrier', verifiedBy };
  }
  return passes ? verifiedForm(address) : { ...address, verified: 'failed' };
}

function verificationFailed(res: Response, address: AddressRecord): void {
  refuse(res, 422, 'ADDRESS.VERIFY.FAILURE', 'Unable to verify address.', problemsOf(address));
}
